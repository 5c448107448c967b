import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads'
import { COMMAND_STDOUT_MAX_BYTES, EVALUATION_WALL_MAX_MS, HostFault } from '../../../protocol/index.ts'
import { type FileTree, SCRATCH_FOLDER, walk } from '../files/file-tree.ts'
import { outOfGas } from '../gas-meter.ts'
import type { Engine, ProgramEnd, ProgramRun } from '../program.ts'
import { badAddress, ProgramStop } from '../program-stop.ts'
import { CallError } from '../wasi/errno.ts'
import { ENDED, RunFacts } from './run-facts.ts'

/** A file on its way; a folder has no bytes, and a path with `/` at its end. */
export interface CarriedFile {
  readonly path: string
  readonly bytes: Uint8Array | undefined
}

export interface BridgeRequest {
  readonly program: Uint8Array
  readonly env: Readonly<Record<string, string>>
  readonly stdin: Uint8Array
  readonly files: readonly CarriedFile[]
}

export type BridgeAnswer =
  | {
      readonly stdout: Uint8Array
      readonly stderr: Uint8Array
      readonly truncated: boolean
      readonly files: readonly CarriedFile[]
    }
  | { readonly failure: string }

const LOG_MAX_BYTES = 64 * 1024

/**
 * Runs programs through Wasmer: a sandbox for each run, in workers, while the host waits. Slower than
 * the direct engine by ten times and more; there for programs that import WASIX.
 */
export class WasmerEngine implements Engine {
  readonly #program: Uint8Array
  readonly #startCost: number
  #bridge: Bridge | undefined

  constructor(program: Uint8Array, startCost: number) {
    this.#program = program
    this.#startCost = startCost
  }

  run(run: ProgramRun): ProgramEnd {
    run.gas.charge(this.#startCost)
    const { tree, args, env, stdin, timestampMs } = run
    this.#bridge ??= new Bridge()
    const { facts } = this.#bridge
    facts.begin({ gas: run.gas.left, timestampMs, seed: run.seed(), texts: { args, env } })
    const answer = this.#bridge.ask({ program: this.#program, env, stdin, files: carried(tree) })
    const hasAnswer = !('failure' in answer)
    // Where the program itself went wrong there is nothing to be answered; else it is the runtime that did.
    const isFaulty = FAULTY.has(facts.ended)
    if (!hasAnswer && !isFaulty) {
      this.close()
      throw new HostFault(`the runtime failed: ${answer.failure.slice(0, 400)}`)
    }
    run.gas.takeBack(facts.gas)
    const output = hasAnswer ? answer : NOTHING
    const stop = stopOf(facts, output.truncated)
    if (stop === undefined) adopt(tree, output.files)
    const stderr = output.stderr.subarray(0, LOG_MAX_BYTES)
    return { exit: facts.exit, stdout: output.stdout, stderr, stop }
  }

  close(): void {
    this.#bridge?.close()
    this.#bridge = undefined
  }
}

/** Endings after which nobody asks what the program left. */
const FAULTY: ReadonlySet<number> = new Set([ENDED.trapped, ENDED.tooDeep, ENDED.outOfMemory, ENDED.badAddress])

const NO_BYTES = new Uint8Array(0)
const NOTHING = { stdout: NO_BYTES, stderr: NO_BYTES, truncated: false, files: [] }

function stopOf(facts: RunFacts, truncated: boolean): ProgramStop | undefined {
  if (facts.gas < 0n) return outOfGas()
  switch (facts.ended) {
    case ENDED.returned:
    case ENDED.exited:
      if (!truncated) return undefined
      return new ProgramStop('output-limit', `more than ${COMMAND_STDOUT_MAX_BYTES} bytes on stdout`)
    case ENDED.tooDeep:
      return new ProgramStop('stack-overflow', 'calls nested too deep')
    case ENDED.badAddress:
      return badAddress()
    case ENDED.trapped:
      return new ProgramStop('trap', 'the program trapped')
  }
  throw new HostFault('a program ended in a way nobody knows')
}

function carried(tree: FileTree): CarriedFile[] {
  const files: CarriedFile[] = [{ path: `${SCRATCH_FOLDER}/`, bytes: undefined }]
  for (const { path, node } of walk(tree.root)) {
    if (node.kind === 'folder') {
      files.push({ path, bytes: undefined })
      continue
    }
    const bytes = new Uint8Array(node.content.size)
    node.content.read(0, bytes)
    files.push({ path, bytes })
  }
  return files
}

/** Makes the tree be what the run left. @throws {ProgramStop} `files-limit` */
function adopt(tree: FileTree, files: readonly CarriedFile[]): void {
  const kept = files.filter(({ path }) => path !== SCRATCH_FOLDER && !path.startsWith(`${SCRATCH_FOLDER}/`))
  const paths = new Set(kept.map(({ path }) => path))
  try {
    for (const { path } of [...walk(tree.root)].reverse()) {
      if (!paths.has(path)) tree.removeAll(path.endsWith('/') ? path.slice(0, -1) : path)
    }
    for (const { path, bytes } of kept) {
      if (bytes === undefined) tree.makeFolders(path)
      else tree.put(path, bytes)
    }
  } catch (error) {
    if (error instanceof CallError) throw new ProgramStop('files-limit', `files: ${error.message}`)
    throw error
  }
}

/** A worker with a runtime in it, and the means to wait for it. */
class Bridge {
  readonly facts = new RunFacts()
  readonly #flag = new Int32Array(new SharedArrayBuffer(4))
  readonly #worker: Worker
  readonly #port: MessagePort

  constructor() {
    const { port1, port2 } = new MessageChannel()
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#port = port1
    try {
      this.#worker = new Worker(new URL(`bridge-main.${extension}`, import.meta.url), {
        workerData: { port: port2, signal: this.#flag.buffer, facts: this.facts.buffer },
        transferList: [port2],
      })
    } catch (cause) {
      throw new HostFault('this host may start no workers: Command-Engine wasmer is off', { cause })
    }
    this.#worker.unref()
    port1.unref()
  }

  ask(request: BridgeRequest): BridgeAnswer {
    Atomics.store(this.#flag, 0, 0)
    this.#port.postMessage(request)
    Atomics.wait(this.#flag, 0, 0, EVALUATION_WALL_MAX_MS)
    const received = receiveMessageOnPort(this.#port) as { message: BridgeAnswer } | undefined
    return received?.message ?? { failure: 'no answer in time' }
  }

  close(): void {
    this.#port.close()
    void this.#worker.terminate()
  }
}
