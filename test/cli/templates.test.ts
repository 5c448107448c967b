import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newProject } from '../../cli/project/new-project.ts'
import { templates } from '../../cli/project/templates.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Below the repository, so that packages are found from there. */
const scratch = join(ROOT, '.cache', `templates-${process.pid}`)
const program = promisify(execFile)

beforeAll(() => mkdir(scratch, { recursive: true }))
afterAll(() => rm(scratch, { recursive: true, force: true }))

const hook = join(import.meta.dirname, 'programs', 'own-package.mjs')
/** Tests of a project in Python are its author's. */
const WITHOUT_TESTS = ['python']

for (const template of (await templates()).filter(({ name }) => !WITHOUT_TESTS.includes(name))) {
  test(`a project made of the template ${template.name} passes its own tests`, { timeout: 180_000 }, async () => {
    const folder = join(scratch, template.name)
    await newProject(template, folder, template.name)
    const { stdout } = await program(process.execPath, ['--import', hook, '--test', '--test-reporter=tap'], {
      cwd: folder,
    })
    expect(stdout).toMatch(/^# pass [1-9]/m)
    expect(stdout).toContain('# fail 0')
  })
}

test('a failing test of a new project tells its seed, how to run it again, and the trees of its messages', async () => {
  const chat = (await templates()).find(({ name }) => name === 'chat') ?? expect.fail('no template of that name')
  const folder = join(scratch, 'failing')
  await newProject(chat, folder, 'failing')
  const file = join(folder, 'room.test.ts')
  await writeFile(file, (await readFile(file, 'utf8')).replace("[['ann', 'hello']]", "[['bob', 'hello']]"))
  const { stdout } = await program(process.execPath, ['--import', hook, '--test'], { cwd: folder }).catch(
    (failed: { stdout: string }) => failed,
  )
  expect(stdout).toMatch(/again: ATOLL_SEED=\d+ node --test .*who joined is heard/)
  expect(stdout).toMatch(/say → /)
})
