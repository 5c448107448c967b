import { execFile } from 'node:child_process'
import { mkdir, rm } from 'node:fs/promises'
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
