/**
 * Brings the WebAssembly specification tests into .cache/spec-tests: from Debian's binaryen source
 * packages, converted to JSON and binaries by Debian's wabt. Needs apt, dpkg-deb, tar and gpgv; all
 * of apt's state stays in a temporary folder, nothing is installed.
 *
 *     node scripts/fetch-spec-tests.mjs
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** The older package has more files, the newer one newer ones. */
const RELEASES = ['bookworm', 'trixie']
const WABT_RELEASE = 'bookworm'
const CONVERT = ['--enable-memory64', '--enable-extended-const']

const target = join(dirname(import.meta.dirname), '.cache', 'spec-tests')
/** Written when all of them are there. */
const manifestPath = join(target, 'manifest.json')
if (existsSync(manifestPath)) {
  process.stdout.write(`${target} is there already\n`)
  process.exit()
}
const work = mkdtempSync(join(tmpdir(), 'spec-tests-'))

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd: work, ...options })
  if (result.error) throw new Error(`${command} cannot run`, { cause: result.error })
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}\n${result.stderr}`)
  return result.stdout
}

/** The mirror this machine's own apt uses. */
function findMirror() {
  const uris = run('apt-get', ['indextargets', '--format', '$(REPO_URI)']).split('\n')
  const mirror = uris.find(uri => /\/debian\/?$/.test(uri))
  if (mirror === undefined) throw new Error('apt on this machine names no Debian mirror')
  return mirror
}

/** apt-get with one release as its whole world. */
function aptFor(release, mirror) {
  const root = join(work, release)
  mkdirSync(join(root, 'lists', 'partial'), { recursive: true })
  mkdirSync(join(root, 'cache', 'archives', 'partial'), { recursive: true })
  const lines = ['deb', 'deb-src'].map(kind => `${kind} [signed-by=${KEYRING}] ${mirror} ${release} main\n`)
  writeFileSync(join(root, 'sources.list'), lines.join(''))
  const options = [
    `Dir::Etc::SourceList=${join(root, 'sources.list')}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${join(root, 'lists')}`,
    `Dir::Cache=${join(root, 'cache')}`,
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
  ].flatMap(option => ['-o', option])
  return (...args) => run('apt-get', ['-q', ...options, ...args], { cwd: root })
}

function fetchTests(release, apt) {
  apt('source', '--download-only', '--tar-only', 'binaryen')
  const root = join(work, release)
  const archive = readdirSync(root).find(name => /^binaryen_.*\.orig\.tar\./.test(name))
  if (archive === undefined) throw new Error(`${release}: no binaryen archive came`)
  mkdirSync(join(root, 'source'))
  run('tar', ['-xf', join(root, archive), '-C', join(root, 'source'), '--strip-components=1'])
  return {
    version: archive.split('_')[1].split('.orig')[0],
    folder: join(root, 'source/test/spec'),
  }
}

function fetchConverter(apt) {
  const root = join(work, WABT_RELEASE)
  apt('download', 'wabt')
  const archive = readdirSync(root).find(name => /^wabt_.*\.deb$/.test(name))
  if (archive === undefined) throw new Error('no wabt package came')
  run('dpkg-deb', ['-x', join(root, archive), join(root, 'wabt')])
  return join(root, 'wabt/usr/bin/wast2json')
}

function convert(converter, file, folder) {
  const name = basename(file, '.wast')
  mkdirSync(join(folder, name), { recursive: true })
  const output = join(folder, name, `${name}.json`)
  const result = spawnSync(converter, [...CONVERT, file, '-o', output], { encoding: 'utf8' })
  if (result.status === 0) return { name }
  rmSync(join(folder, name), { recursive: true })
  const [first = ''] = result.stderr.split('\n')
  return { name, unconverted: first.replace(/^.*?: error: /, '') }
}

try {
  const mirror = findMirror()
  const apts = new Map(RELEASES.map(release => [release, aptFor(release, mirror)]))
  for (const apt of apts.values()) apt('update')
  const converter = fetchConverter(apts.get(WABT_RELEASE))
  rmSync(target, { recursive: true, force: true })
  const manifest = []
  for (const [release, apt] of apts) {
    const { version, folder } = fetchTests(release, apt)
    const suite = `binaryen-${version}`
    const files = readdirSync(folder, { recursive: true }).filter(name => name.endsWith('.wast'))
    for (const file of files.sort()) {
      manifest.push({ suite, ...convert(converter, join(folder, file), join(target, suite)) })
    }
  }
  if (!existsSync(target)) throw new Error('no test was converted')
  writeFileSync(manifestPath, `${JSON.stringify(manifest, null, 1)}\n`)
  const converted = manifest.filter(({ unconverted }) => unconverted === undefined).length
  process.stdout.write(`${converted} of ${manifest.length} files are in ${target}\n`)
} finally {
  rmSync(work, { recursive: true, force: true })
}
