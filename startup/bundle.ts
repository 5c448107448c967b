import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The programs of a clone, made into a few files of JavaScript by scripts/programs.mjs: what takes a start most of its time is to find,
 * read and strip a thousand sources. A bundle lies in a folder that is named by what it was made from, and is used as long as that is
 * what it was; otherwise the sources run.
 */
export interface Bundle {
  /** Names its folder: what `contentOf(inputs)` was when it was made. */
  readonly key: string
  /** Files it was made from, relative to the root of the clone. */
  readonly inputs: readonly string[]
  /** What `fingerprintOf(inputs)` was when it was made. */
  readonly fingerprint: string
}

const ROOT = new URL('../', import.meta.url)
const KEY_DIGITS = 32
const BUNDLES = new URL('.cache/programs/', ROOT)

/** The folder of the bundle that was made from these very sources, with a slash at its end; undefined if there is none. */
export function freshBundle(): URL | undefined {
  const bundle = readBundle()
  if (bundle === undefined) return undefined
  // Files that were only copied, linked or checked out again are read: that takes ten times as long, and still less than to run them.
  if (fingerprintOf(bundle.inputs) !== bundle.fingerprint && contentOf(bundle.inputs) !== bundle.key) return undefined
  const folder = new URL(`${bundle.key}/`, BUNDLES)
  // Who clears caches may take one and leave the other.
  return existsSync(folder) ? folder : undefined
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

/** A hash of all bytes of all files. */
export function contentOf(inputs: readonly string[]): string {
  const root = fileURLToPath(ROOT)
  const hash = createHash('sha256')
  for (const input of inputs) {
    const bytes = existsSync(root + input) ? readFileSync(root + input) : undefined
    hash.update(`${input} ${bytes?.length}\n`).update(bytes ?? '')
  }
  return hash.digest('hex').slice(0, KEY_DIGITS)
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
