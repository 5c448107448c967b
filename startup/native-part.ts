import { existsSync } from 'node:fs'

/** Where a package keeps its native part for the machine that asks, below the folder of the package; as `require-addon` names it. */
export function nativePart(name: string): string {
  const isMusl = process.platform === 'linux' && existsSync('/etc/alpine-release')
  return `prebuilds/${process.platform}-${process.arch}${isMusl ? '-musl' : ''}/${name}.node`
}
