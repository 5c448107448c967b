import { readdirSync, rmSync, writeFileSync } from 'node:fs'

const HELD_BY = /^held-by-(\d+)$/

/** Keeps the bundle in `folder`, a URL with a slash at its end, from being cleared away as long as this process lives: it starts hosts from there. */
export function holdBundle(folder: URL): void {
  const note = new URL(`held-by-${process.pid}`, folder)
  try {
    writeFileSync(note, '')
  } catch {
    // Whoever may not write here runs the clone of another user, whose rebuilds clear old bundles away.
    return
  }
  process.on('exit', () => rmSync(note, { force: true }))
}

/** Whether a living process runs from the bundle in `folder`; notes of those that were killed count for nothing. */
export function isHeld(folder: URL): boolean {
  return readdirSync(folder).some(name => {
    const pid = HELD_BY.exec(name)?.[1]
    return pid !== undefined && isAlive(Number(pid))
  })
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // One of another user lives.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
