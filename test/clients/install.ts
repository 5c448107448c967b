import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const FOLDER = import.meta.dirname
const MODULES = join(FOLDER, 'node_modules')
const STAMP = join(MODULES, '.atoll-clients')
const LOCK = join(FOLDER, '..', '..', '.cache', 'clients.lock')
const WAIT_MAX_MS = 180_000

/**
 * Installs the clients of other makes beside the scenarios that use them, unless they are those of the lockfile. They
 * are no dependencies of the project: some want other generations of the packages it uses itself.
 */
export async function installClients(): Promise<void> {
  const wanted = createHash('sha256')
    .update(readFileSync(join(FOLDER, 'package-lock.json')))
    .digest('hex')
  const isInstalled = (): boolean => existsSync(STAMP) && readFileSync(STAMP, 'utf8') === wanted
  const untilMs = Date.now() + WAIT_MAX_MS
  while (!isInstalled()) {
    if (Date.now() > untilMs) throw new Error(`another installation does not end; if there is none, delete ${LOCK}`)
    if (!claimed()) {
      await sleep(200)
      continue
    }
    try {
      if (isInstalled()) return
      const { status, stderr } = spawnSync('npm', ['ci', '--ignore-scripts', '--loglevel=error'], {
        cwd: FOLDER,
        encoding: 'utf8',
        shell: process.platform === 'win32',
      })
      if (status !== 0) throw new Error(`the clients cannot be installed: ${stderr}`)
      writeFileSync(STAMP, wanted)
    } finally {
      rmSync(LOCK, { recursive: true, force: true })
    }
  }
}

function claimed(): boolean {
  mkdirSync(join(LOCK, '..'), { recursive: true })
  try {
    mkdirSync(LOCK)
    return true
  } catch {
    return false
  }
}
