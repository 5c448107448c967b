/**
 * Brings a C compiler for WASI into .cache/wasi-toolchain: Debian's clang, lld and wasi-libc, with what they need and this
 * machine lacks. Needs apt and dpkg-deb; nothing is installed.
 *
 *     node scripts/fetch-wasi-toolchain.mjs
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

const PACKAGES = ['clang', 'lld', 'wasi-libc', 'libclang-rt-dev-wasm32']

const target = join(dirname(import.meta.dirname), '.cache', 'wasi-toolchain')

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8' })
  if (result.error) throw new Error(`${command} cannot run`, { cause: result.error })
  if (result.status !== 0) throw new Error(`${command} ${args.join(' ')}\n${result.stderr}`)
}

/** Parts of the compiler that the machine has: they must be in the folder all the same. */
function installed() {
  const packages = readFileSync('/var/lib/dpkg/status', 'utf8').split('\n\n')
  const parts = packages.filter(one => one.includes('\nStatus: install ok installed'))
  return parts.flatMap(one => /^Package: ((?:lib)?(?:clang|lld|llvm|wasi)\S*)/m.exec(one)?.[1] ?? [])
}

function fetch(work) {
  const archives = join(work, 'cache', 'archives')
  const root = join(work, 'root')
  mkdirSync(join(archives, 'partial'), { recursive: true })
  mkdirSync(root)
  const options = [`Dir::Cache=${join(work, 'cache')}`, 'Debug::NoLocking=1', 'APT::Sandbox::User=root']
  const flags = ['-q', '-y', '--download-only', '--reinstall', '--no-install-recommends']
  const names = [...PACKAGES, ...installed()]
  run('apt-get', [...flags, ...options.flatMap(option => ['-o', option]), 'install', ...names])
  for (const name of readdirSync(archives).filter(file => file.endsWith('.deb'))) {
    run('dpkg-deb', ['-x', join(archives, name), root])
  }
  return root
}

if (existsSync(target)) {
  process.stdout.write(`${target} is there already\n`)
} else {
  mkdirSync(dirname(target), { recursive: true })
  const work = mkdtempSync(join(tmpdir(), 'wasi-toolchain-'))
  try {
    const root = fetch(work)
    run('cp', ['-a', root, `${target}.new`])
    renameSync(`${target}.new`, target)
    process.stdout.write(`the compiler is in ${target}\n`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
