/**
 * Adds to package-lock.json the optional packages of other platforms that the registry at hand does not have.
 * npm leaves them out when it writes the file, and `npm ci` then refuses the file for lacking them. They are
 * entered by version, system and processor, so that a machine they are not for never asks for them.
 *
 *     npm run lock
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const SYSTEMS = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'ppc64', 'riscv64', 's390x', 'x64']

/**
 * Completes a parsed lockfile in place.
 * @returns {string[]} names of the packages that were missing
 */
export function completeLockfile(lock) {
  const missing = []
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (isPresent(lock.packages, path, name)) continue
      const platform = platformOf(name)
      if (platform === undefined) continue
      const { dev } = entry
      lock.packages[`node_modules/${name}`] = { version, ...platform, ...(dev ? { dev } : {}), optional: true }
      missing.push(name)
    }
  }
  if (missing.length > 0) lock.packages = sorted(lock.packages)
  return missing
}

/** A package is found beside its user, or in a folder above. */
function isPresent(packages, path, name) {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true
    if (at === '') return false
  }
}

/** System, processor and C library as such packages have them in their names. */
function platformOf(name) {
  const words = name.split(/[-/]/)
  const os = SYSTEMS.find(system => words.includes(system))
  const cpu = PROCESSORS.find(processor => words.includes(processor))
  if (os === undefined || cpu === undefined) return undefined
  const libc = words.find(word => word.startsWith('musl'))
    ? 'musl'
    : words.find(word => word.startsWith('gnu'))
      ? 'glibc'
      : undefined
  return { os: [os], cpu: [cpu], ...(libc === undefined || os !== 'linux' ? {} : { libc: [libc] }) }
}

function sorted(packages) {
  return Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = join(dirname(dirname(fileURLToPath(import.meta.url))), 'package-lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8'))
  const missing = completeLockfile(lock)
  if (missing.length > 0) writeFileSync(path, `${JSON.stringify(lock, undefined, 2)}\n`)
  process.stderr.write(`package-lock.json: ${missing.length} packages of other platforms added\n`)
  // npm writes there what it would have installed: the next set-up must not believe it.
  rmSync(join(dirname(path), 'node_modules', '.package-lock.json'), { force: true })
}
