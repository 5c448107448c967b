/**
 * Makes a clone ready to run: installs the dependencies if they are not those of package-lock.json, then builds the
 * standard processes and what agents run on, and bundles the programs. Plain JavaScript that any Node from 18 on understands, because it runs before the pinned Node
 * is there. Silent, and needs no network, when there is nothing to do. Writes to standard error only.
 *
 *     node scripts/setup.mjs
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const BIN = join(ROOT, 'node_modules', '.bin')
const LOCKFILE = join(ROOT, 'package-lock.json')
/** Hash of the lockfile that node_modules was installed from; goes away with node_modules. */
const STAMP = join(ROOT, 'node_modules', '.atoll-setup')
/** Says which run of this program is at work, so that `npm start` and `npm test` may begin at once. */
const CLAIM = join(ROOT, '.cache', 'setup.lock')
const CLAIM_WAIT_MAX_MS = 15 * 60_000
const NODE_MAJOR_MIN = 24
const OUTPUT_KEPT_BYTES = 16 * 1024

/** Node's own binary for this machine, as the dev dependency `node` brings it. */
export function pinnedNode(root = ROOT) {
  const path = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  return existsSync(path) ? path : undefined
}

/** Why the dependencies must be installed, or nothing if they are those of the lockfile. */
export function reasonToInstall(root = ROOT) {
  const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8')
  if (!existsSync(join(root, 'node_modules'))) return 'nothing is installed yet'
  if (pinnedNode(root) === undefined) return 'the pinned Node is missing'
  if (read(join(root, 'node_modules', '.atoll-setup')) === hashOf(lockfile)) return undefined
  return firstDifference(lockfile, read(join(root, 'node_modules', '.package-lock.json')))
}

/** Compares what npm says it installed with what the lockfile asks for. */
function firstDifference(lockfile, installed) {
  if (installed === undefined) return 'an earlier installation did not end'
  const present = JSON.parse(installed).packages
  for (const [path, wanted] of Object.entries(JSON.parse(lockfile).packages)) {
    if (path === '' || wanted.optional === true || wanted.devOptional === true || wanted.peer === true) continue
    if (present[path]?.version !== wanted.version)
      return `${path.replace(/.*node_modules\//, '')} is not ${wanted.version}`
  }
  return undefined
}

function hashOf(text) {
  return createHash('sha256').update(text).digest('hex')
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The environment for npm: without the pinned Node, which an installation takes away for a while. */
function environmentForNpm() {
  const path = (process.env.PATH ?? '').split(delimiter).filter(folder => folder !== BIN)
  return { ...process.env, PATH: path.join(delimiter), npm_config_progress: 'false' }
}

/** npm as it called us, or the one on the path. */
function npmCommand() {
  const cli = process.env.npm_execpath
  const node = process.env.npm_node_execpath
  const isOutside = path => path !== undefined && existsSync(path) && !path.startsWith(join(ROOT, 'node_modules'))
  if (isOutside(cli) && cli.endsWith('.js') && isOutside(node)) return [node, [cli]]
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', []]
}

/** Runs a program and shows one line while it does; its words are kept back unless it fails. */
function run(title, command, args, env = process.env) {
  const started = Date.now()
  const seconds = () => Math.round((Date.now() - started) / 1000)
  const isTerminal = process.stderr.isTTY === true && process.env.CI === undefined
  const say = text => process.stderr.write(isTerminal ? `\r\u001b[2K${text}` : `${text}\n`)
  say(`atoll: ${title} …`)
  const timer = setInterval(() => say(`atoll: ${title} … ${seconds()} s`), isTerminal ? 1000 : 30_000)
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: command.endsWith('.cmd'),
    })
    let output = ''
    const keep = chunk => {
      output = (output + chunk).slice(-OUTPUT_KEPT_BYTES)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0) return resolve(undefined)
      reject(new Error(`${output}\natoll: ${title} failed (${command} ended with ${code})`))
    })
  })
    .finally(() => clearInterval(timer))
    .then(() => say(`atoll: ${title}: done in ${seconds()} s${isTerminal ? '\n' : ''}`))
}

async function install(reason) {
  const [command, args] = npmCommand()
  rmSync(STAMP, { force: true })
  const title = `installing dependencies (${reason})`
  try {
    await run(title, command, [...args, 'ci', '--loglevel=error'], environmentForNpm())
  } catch (error) {
    // npm's own word for a lockfile that does not list all it wants to see, such as packages of other platforms.
    if (!error.message.includes('EUSAGE')) throw error
    await run(title, command, [...args, 'install', '--no-save', '--loglevel=error'], environmentForNpm())
  }
}

const buildStandardProcesses = () => buildWith('standard', 'buildStandardProcesses', 'standard processes')

/** To make the engine takes long, so two who begin at once share it. */
async function buildAgentRuntime() {
  const { hasAgentEngine } = await import(pathToFileURL(join(ROOT, 'processes', 'agent', 'build-engine.mjs')).href)
  const build = () => buildWith('agent', 'buildAgentRuntime', 'runtime of agents')
  await ((await hasAgentEngine()) ? build() : alone(build))
}

/** Compilers want a newer Node than we do, so they may have to run on the pinned one. */
async function buildWith(folder, name, title) {
  const program = join(ROOT, 'processes', folder, 'build.mjs')
  const node = pinnedNode()
  if (node !== undefined && Number(process.versions.node.split('.')[0]) < NODE_MAJOR_MIN) {
    const { status, stderr, stdout } = spawnSync(node, [program], { cwd: ROOT, encoding: 'utf8' })
    if (status !== 0) throw new Error(`${stderr}\natoll: ${title} cannot be built`)
    // It says itself whether it had to be.
    if (stdout.includes(': built ')) process.stderr.write(`atoll: ${title} built\n`)
    return
  }
  const { [name]: build } = await import(pathToFileURL(program).href)
  if ((await build()) === 'built') process.stderr.write(`atoll: ${title} built\n`)
}

/** What starts fast, made from what starts slowly: if it cannot be made, the sources run. */
async function buildPrograms() {
  if (await hasFreshPrograms()) return
  const node = pinnedNode() ?? process.execPath
  const { status, stderr } = spawnSync(node, ['--no-warnings', join(ROOT, 'scripts', 'programs.mjs')], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  process.stderr.write(
    status === 0
      ? 'atoll: programs bundled\n'
      : `${stderr}\natoll: the programs cannot be bundled; they start from their sources\n`,
  )
}

/** Asks the bundle itself, which is JavaScript; an older Node than it was made for cannot. */
async function hasFreshPrograms() {
  const bundles = join(ROOT, '.cache', 'programs')
  try {
    const { key } = JSON.parse(readFileSync(join(bundles, 'bundle.json'), 'utf8'))
    const { fingerprintOf, readBundle } = await import(pathToFileURL(join(bundles, key, 'startup.js')).href)
    const bundle = readBundle()
    return fingerprintOf(bundle.inputs) === bundle.fingerprint
  } catch {
    return false
  }
}

/** Holds the claim while `work` runs; waits for another run that is alive. */
async function alone(work) {
  mkdirSync(dirname(CLAIM), { recursive: true })
  const deadline = Date.now() + CLAIM_WAIT_MAX_MS
  while (!claim()) {
    if (Date.now() > deadline) throw new Error(`atoll: another set-up does not end; if there is none, delete ${CLAIM}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  try {
    return await work()
  } finally {
    rmSync(CLAIM, { force: true })
  }
}

function claim() {
  try {
    const file = openSync(CLAIM, 'wx')
    writeSync(file, String(process.pid))
    closeSync(file)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  const owner = Number(read(CLAIM))
  if (owner > 0 && !isAlive(owner)) rmSync(CLAIM, { force: true })
  return false
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

async function setUp() {
  if (reasonToInstall() !== undefined) {
    await alone(async () => {
      const reason = reasonToInstall()
      if (reason !== undefined) await install(reason)
    })
  }
  const hash = hashOf(readFileSync(LOCKFILE, 'utf8'))
  if (read(STAMP) !== hash) writeFileSync(STAMP, hash)
  await buildStandardProcesses()
  await buildAgentRuntime()
  await buildPrograms()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await setUp()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
