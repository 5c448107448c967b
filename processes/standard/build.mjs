// Compiles the standard processes: assembly/<name>.ts becomes build/<name>.wasm.
// Skips all work while sources, this script and the compiler are the same as last time.
import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
import { readIfThere, replaceFile } from '../build-files.mjs'

const HERE = dirname(fileURLToPath(import.meta.url))
const SOURCES = join(HERE, 'assembly')
const PROCESSES = ['counter', 'ledger', 'registry', 'relay']

/**
 * Compiles every standard process into `outDir`.
 * @param {string} [outDir]
 * @returns {Promise<'built' | 'fresh'>} fresh: nothing had to be done.
 */
export async function buildStandardProcesses(outDir = join(HERE, 'build')) {
  await mkdir(outDir, { recursive: true })
  const sources = await readSources()
  const stampPath = join(outDir, 'stamp')
  const stamp = await stampOf(sources)
  if ((await readIfThere(stampPath)) === stamp) return 'fresh'
  for (const name of PROCESSES) await replaceFile(outDir, `${name}.wasm`, await compile(name, sources))
  await replaceFile(outDir, 'stamp', stamp)
  return 'built'
}

/**
 * Compiles one more process against the library of the standard ones.
 * @param {string} text in AssemblyScript
 * @returns {Promise<Uint8Array>}
 */
export async function compileProcess(text) {
  return compile('process', new Map([...(await readSources()), ['process.ts', text]]))
}

/** @returns {Promise<Map<string, string>>} text by file name, in order of the names. */
async function readSources() {
  const names = (await readdir(SOURCES)).filter(name => name.endsWith('.ts')).sort()
  return new Map(await Promise.all(names.map(async name => [name, await readFile(join(SOURCES, name), 'utf8')])))
}

/** @param {Map<string, string>} sources */
async function stampOf(sources) {
  const hash = createHash('sha256').update(`${asc.version}\n`)
  hash.update(await readFile(fileURLToPath(import.meta.url)))
  for (const [name, text] of sources) hash.update(`\n${name} ${text.length}\n${text}`)
  return hash.digest('hex')
}

/** @param {string} name @param {Map<string, string>} sources */
async function compile(name, sources) {
  /** @type {Uint8Array | undefined} */
  let wasm
  const { error, stderr } = await asc.main(
    [
      `${name}.ts`,
      '--outFile',
      `${name}.wasm`,
      '--runtime',
      'stub',
      '--use',
      'abort=atoll/abort',
      '--initialMemory',
      '4',
      '--noExportRuntime',
      '--converge',
      '-O3',
      '--shrinkLevel',
      '1',
    ],
    {
      readFile: file => sources.get(file) ?? null,
      writeFile: (file, contents) => {
        if (file.endsWith('.wasm')) wasm = contents
      },
      listFiles: () => [],
    },
  )
  if (error !== null || wasm === undefined) {
    throw new Error(`${name}.ts does not compile\n${stderr.toString()}`, { cause: error })
  }
  return wasm
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const started = performance.now()
  const outcome = await buildStandardProcesses()
  console.log(`standard processes: ${outcome} in ${Math.round(performance.now() - started)} ms`)
}
