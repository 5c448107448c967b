import { fileURLToPath } from 'node:url'
import { freshBundle } from '../../startup/index.ts'

/** Where the program of a compute host lies: beside this file, or in the bundle if this is a source. */
export function hostPath(): string {
  const isSource = import.meta.url.endsWith('.ts')
  const bundled = isSource ? freshBundle() : undefined
  return fileURLToPath(
    bundled === undefined
      ? new URL(`host-main.${isSource ? 'ts' : 'js'}`, import.meta.url)
      : new URL('host-main.js', bundled),
  )
}
