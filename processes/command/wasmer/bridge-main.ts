// Between a host, which waits, and a runtime, which is asynchronous: one run at a time.
import { setFlagsFromString } from 'node:v8'
import { type MessagePort, Worker as ThreadWorker, workerData } from 'node:worker_threads'
import { Wasmer } from '@wasmer/sdk/node'
import { COMMAND_STDOUT_MAX_BYTES } from '../../../protocol/index.ts'
import type { BridgeAnswer, BridgeRequest, CarriedFile } from './engine.ts'

const ROOT = '/workspace'
const NAME = 'program'

const { port, signal, facts } = workerData as {
  port: MessagePort
  signal: SharedArrayBuffer
  facts: SharedArrayBuffer
}
const flag = new Int32Array(signal)

// Programs run on stacks of their own here; these must hold what the rewriter's bound on depth allows.
setFlagsFromString('--wasm-stack-switching-stack-size=3900')

/** What the runtime takes for a browser's Worker. */
class PoolWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror: ((event: { message: string }) => void) | null = null
  readonly #worker: ThreadWorker

  constructor(program: string) {
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    const main = new URL(`pool-worker-main.${extension}`, import.meta.url)
    this.#worker = new ThreadWorker(main, { workerData: { facts, program } })
    this.#worker.on('message', data => this.onmessage?.({ data }))
    this.#worker.on('error', error => this.onerror?.({ message: String(error) }))
  }

  postMessage(message: unknown): void {
    this.#worker.postMessage(message)
  }

  terminate(): void {
    void this.#worker.terminate()
  }
}

Object.assign(globalThis, { Worker: PoolWorker })
const wasmer = new Wasmer({ cache: false, parallelism: 1 })
type Sandbox = Awaited<ReturnType<typeof wasmer.sandboxes.create>>
type Package = Awaited<ReturnType<typeof wasmer.packages.load>>
let loaded: Promise<Package> | undefined

async function run(request: BridgeRequest): Promise<BridgeAnswer> {
  loaded ??= wasmer.packages.create({
    modules: { [NAME]: request.program },
    commands: { [NAME]: { module: NAME } },
  })
  const program = await loaded
  const files = request.files.filter(({ bytes }) => bytes !== undefined)
  const sandbox = await wasmer.sandboxes.create({
    packages: [program],
    network: { mode: 'disabled' },
    files: Object.fromEntries(files.map(({ path, bytes }) => [path, bytes ?? new Uint8Array(0)])),
  })
  try {
    // Folders with files in them came with the files; parents stand before their children.
    for (const { path, bytes } of request.files) {
      const isThere = bytes !== undefined || files.some(file => file.path.startsWith(path))
      if (!isThere) await sandbox.fs.mkdir(`${ROOT}/${path.slice(0, -1)}`)
    }
    const output = await sandbox
      .command(program, [], { cwd: ROOT, env: request.env })
      .run({ stdin: request.stdin, check: false, outputBytes: COMMAND_STDOUT_MAX_BYTES })
    return {
      stdout: output.stdout.bytes,
      stderr: output.stderr.bytes,
      truncated: output.stdout.truncated,
      files: await list(sandbox, ''),
    }
  } finally {
    await sandbox.close()
  }
}

async function list(sandbox: Sandbox, folder: string): Promise<CarriedFile[]> {
  const files: CarriedFile[] = []
  const entries = await sandbox.fs.readDir(`${ROOT}/${folder}`)
  for (const { name, kind } of entries) {
    const path = `${folder}${name}`
    if (kind === 'file') files.push({ path, bytes: await sandbox.fs.readFile(`${ROOT}/${path}`) })
    else files.push({ path: `${path}/`, bytes: undefined }, ...(await list(sandbox, `${path}/`)))
  }
  return files
}

port.on('message', async (request: BridgeRequest) => {
  try {
    port.postMessage(await run(request))
  } catch (error) {
    port.postMessage({ failure: String(error) } satisfies BridgeAnswer)
  }
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
})
