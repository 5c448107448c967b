import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The programs of a clone, made into a few files of JavaScript by scripts/programs.mjs: what takes a start most of its time is to find,
 * read and strip a thousand sources. A bundle lies in a folder that is named by what it was made from, and is used as long as none of
 * that was touched since; otherwise the sources run.
 */
export interface Bundle {
  /** Names its folder: a hash of all that it was made from. */
  readonly key: string
  /** Files it was made from, relative to the root of the clone. */
  readonly inputs: readonly string[]
  /** What `fingerprintOf(inputs)` was when it was made. */
  readonly fingerprint: string
}

const ROOT = new URL('../', import.meta.url)
const BUNDLES = new URL('.cache/programs/', ROOT)

/** The folder of the bundle that was made from these very sources, with a slash at its end; undefined if there is none. */
export function freshBundle(): URL | undefined {
  const bundle = readBundle()
  if (bundle === undefined || fingerprintOf(bundle.inputs) !== bundle.fingerprint) return undefined
  return new URL(`${bundle.key}/`, BUNDLES)
}

/** The bundle made last, whatever became of its sources. */
export function readBundle(): Bundle | undefined {
  try {
    return JSON.parse(readFileSync(new URL('bundle.json', BUNDLES), 'utf8')) as Bundle
  } catch {
    // None was made, or it is being replaced on a system that cannot do so at one stroke.
    return undefined
  }
}

/**
 * Changes when any of the files is written, replaced or gone: nobody sets the time of a file's last change, as opposed to that of
 * its content. Says nothing about a file that changed less than a few milliseconds after another change.
 */
export function fingerprintOf(inputs: readonly string[]): string {
  const root = fileURLToPath(ROOT)
  let lines = ''
  for (const input of inputs) {
    const status = statSync(root + input, { throwIfNoEntry: false })
    lines += `${input} ${status?.size} ${status?.mtimeMs} ${status?.ctimeMs} ${status?.ino}\n`
  }
  return createHash('sha256').update(lines).digest('hex')
}
