import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = dirname(fileURLToPath(import.meta.url))
const SOURCES = join(HERE, 'guest')
/** At the versions of the lockfile. */
const PACKAGES = ['esbuild/package.json', 'croner', 'whatwg-url-without-unicode/package.json']

/** What the prelude of agents is made of, in one hash: the sources that lie here now, what makes it of them, and the packages it brings along. */
export function preludeStamp(): string {
  const require = createRequire(import.meta.url)
  const hash = createHash('sha256')
  for (const path of [...PACKAGES.map(name => require.resolve(name)), join(HERE, 'build.mjs')])
    hash.update(readFileSync(path))
  for (const name of readdirSync(SOURCES).sort()) {
    const text = readFileSync(join(SOURCES, name), 'utf8')
    hash.update(`\n${name} ${text.length}\n${text}`)
  }
  return hash.digest('hex')
}
