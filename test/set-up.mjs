import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Builds what is built from sources and is older than they are; says nothing if there is nothing to do. */
export function setup() {
  const program = fileURLToPath(new URL('../scripts/setup.mjs', import.meta.url))
  const { status } = spawnSync(process.execPath, [program], { stdio: 'inherit' })
  if (status !== 0) throw new Error('the set-up failed')
}
