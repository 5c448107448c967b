import { spawnSync } from 'node:child_process'
import { cp, mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../cli/test-terminal.ts'

const ROOT = join(import.meta.dirname, '../../..')

/** Links to all that lies in a folder, but for one. */
async function linkAll(from: string, to: string, except: string): Promise<void> {
  await mkdir(to, { recursive: true })
  const names = (await readdir(from)).filter(name => name !== except && !name.startsWith('.'))
  await Promise.all(names.map(name => symlink(join(from, name), join(to, name))))
}

it('runs agents on the prelude that lay there when it began, whatever is built while it runs', async () => {
  await using folder = await temporaryFolder()
  await linkAll(ROOT, folder.path, 'processes')
  await linkAll(join(ROOT, 'processes'), join(folder.path, 'processes'), 'agent')
  const agent = join(folder.path, 'processes/agent')
  await linkAll(join(ROOT, 'processes/agent'), agent, 'build')
  await cp(join(ROOT, 'processes/agent/build'), join(agent, 'build'), { recursive: true })
  const script = `import { writeFileSync } from 'node:fs'
const { runScript } = await import(${JSON.stringify(join(agent, 'index.ts'))})
writeFileSync(${JSON.stringify(join(agent, 'build/prelude.js'))}, 'throw new Error("of another version")')
process.stdout.write(runScript('String(6 * 7)'))`
  const flags = ['--preserve-symlinks', '--stack-size=3900', '--no-warnings', '--input-type=module', '--eval', script]
  expect(spawnSync(process.execPath, flags, { encoding: 'utf8' })).toMatchObject({ stderr: '', stdout: '42' })
}, 60_000)
