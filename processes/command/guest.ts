import {
  ERROR_TEXT_MAX_BYTES,
  type Ending,
  findTag,
  type Guest,
  type GuestContext,
  type GuestMessage,
  OUTPUT_SIZE_MAX_BYTES,
  type ProcessDescription,
  toUtf8,
} from '../../protocol/index.ts'
import { installApp } from './files/app-files.ts'
import { FileTree, isPathTooLong } from './files/file-tree.ts'
import { exportFiles, restoreFiles, snapshotDocument } from './files/snapshot-document.ts'
import { loadFiles, planStore } from './files/stored-files.ts'
import { GasMeter } from './gas-meter.ts'
import { carryOut, checkActions, isRequest, replyTo } from './outbox.ts'
import type { Engine, ProgramEnd } from './program.ts'
import { ProgramStop } from './program-stop.ts'
import { SEED_BYTES } from './random-stream.ts'
import type { CommandSettings } from './settings.ts'
import { encodeStdin } from './stdin.ts'
import { readActions } from './stdout-lines.ts'

/** Objects and a few texts: the files are cells, which the process holds. */
const GUEST_BYTES = 1_000

/** Gas of a message with each of its bytes, of each cell that is looked at, of each that is written. */
const DELIVER_COST = 10_000
const DELIVER_BYTE_COST = 4
const STDOUT_BYTE_COST = 8
const LOOK_COST = 400
const STORE_COST = 4_000
const STORE_BYTE_COST = 8

const NO_CHUNK = new Uint8Array(0)
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })

export interface CommandGuestParts {
  readonly process: ProcessDescription
  readonly engine: Engine
  /** Or why its tags make no sense. */
  readonly settings: CommandSettings | string
}

/**
 * One process of format `command`.
 *
 * 1. It has no memory: each message runs the program afresh. All state is files, all files are cells,
 *    so keep and discard have nothing to do here.
 * 2. Nothing is written to cells and nothing is sent before all that can fail has gone well: a run that
 *    failed leaves no trace but its log, whatever becomes of its slot.
 * 3. All that the program can read follows from feed, module and process: stdin, arguments, environment,
 *    files, clock and random.
 */
export class CommandGuest implements Guest {
  readonly pages = 0
  readonly sizeBytes = GUEST_BYTES
  readonly #parts: CommandGuestParts
  #open = false

  constructor(parts: CommandGuestParts) {
    this.#parts = parts
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#open) throw new Error('expected keep or discard before the next run')
    this.#open = true
    const gas = new GasMeter(gasLimit)
    try {
      const output = this.#answer(message, context, gas)
      return { status: 'ok', gas: gas.used, output }
    } catch (error) {
      if (!(error instanceof ProgramStop)) throw error
      return this.#failed(error, message, context, gas)
    }
  }

  /** A process that asked is told; whoever else waits sees the error of the slot. */
  #failed(stop: ProgramStop, message: GuestMessage, context: GuestContext, gas: GasMeter): Ending {
    const code = stop.code
    const used = code === 'trap' || gas.left < 0n || code === 'stack-overflow' ? gas.limit : gas.used
    const error = { code, message: stop.message.slice(0, ERROR_TEXT_MAX_BYTES / 4) }
    if (!isRequest(message) || used >= gas.limit) return { status: 'error', gas: used, error }
    context.send(replyTo(message, 'Error', [{ name: 'Error', value: code }], error))
    const output = toUtf8(JSON.stringify({ settled: [{ message: message.id, error }] }))
    return { status: 'ok', gas: used, output }
  }

  #answer(message: GuestMessage, context: GuestContext, gas: GasMeter): Uint8Array {
    const { settings } = this.#parts
    if (typeof settings === 'string') throw new ProgramStop('bad-program', settings)
    gas.charge(DELIVER_COST + DELIVER_BYTE_COST * message.data.length)
    if (message.kind === 'restore') {
      const tree = new FileTree(gas.charge)
      const files = restoreFiles(tree, message.data)
      this.#store(tree, context, gas)
      return encodeAnswer({ reply: { files } })
    }
    const tree = loadFiles(context.cells, gas.charge, LOOK_COST)
    const reserved = this.#reserved(message, tree, settings)
    if (reserved !== undefined) {
      if (message.kind !== 'query') this.#store(tree, context, gas)
      return encodeAnswer({ reply: reserved })
    }
    return this.#runProgram(message, context, { gas, tree, settings })
  }

  /** What the host itself answers: actions that begin with `@`. */
  #reserved(message: GuestMessage, tree: FileTree, settings: CommandSettings): unknown {
    const action = findTag(message.tags, 'Action')
    if (action?.startsWith('@') !== true) return undefined
    if (message.kind === 'query') {
      if (action === '@state') return exportFiles(tree)
      if (action === '@export') return snapshotDocument(tree)
    }
    if (message.kind === 'message' && action === '@install') {
      if (message.from !== this.#parts.process.owner)
        throw new ProgramStop('not-allowed', 'only the owner installs a program')
      if (settings.app === undefined)
        throw new ProgramStop('bad-program', 'neither module nor process has a tag Command-App')
      return { files: installApp(tree, settings.app, message) }
    }
    throw new ProgramStop('unknown-action', `there is no ${action.slice(0, 60)} here`)
  }

  #runProgram(
    message: GuestMessage,
    context: GuestContext,
    { gas, tree, settings }: { gas: GasMeter; tree: FileTree; settings: CommandSettings },
  ): Uint8Array {
    const isSpawn = message.kind === 'spawn'
    const takesData = isSpawn && settings.app !== undefined && message.data.length > 0
    if (takesData) installApp(tree, settings.app ?? '', message)
    const seen = takesData ? { ...plain(message), data: new Uint8Array(0) } : message
    const end = this.#parts.engine.run({
      stdin: encodeStdin(seen, this.#parts.process.id),
      args: settings.args,
      env: settings.env,
      tree,
      timestampMs: message.timestampMs,
      gas,
      seed: () => context.random(SEED_BYTES),
    })
    const log = logOf(end)
    if (log !== '') context.log(log)
    if (end.stop !== undefined) throw end.stop
    gas.charge(STDOUT_BYTE_COST * end.stdout.length)
    const actions = end.exit === 0 ? readActions(end.stdout) : refusalsOf(end)
    if (end.exit !== 0 && actions.length === 0) throw exitStop(end, log)
    const output = encodeAnswer(checkActions(actions, gas.charge))
    if (message.kind === 'query') return output
    this.#store(tree, context, gas)
    carryOut(actions, { self: this.#parts.process.id, message, context })
    return output
  }

  /** The last thing in a run that can fail, and then it has done nothing. */
  #store(tree: FileTree, context: GuestContext, gas: GasMeter): void {
    const store = planStore(tree, context.cells, {
      counted: bytes => gas.charge(STORE_COST + STORE_BYTE_COST * bytes),
      check: path => {
        if (!isPathTooLong(path)) return
        throw new ProgramStop('files-limit', `a path too long: ${path.slice(0, 60)}`)
      },
    })
    store()
  }

  keep(): void {
    this.#end()
  }

  discard(): void {
    this.#end()
  }

  #end(): void {
    if (!this.#open) throw new Error('expected a run before keep or discard')
    this.#open = false
  }

  takeChanged(): readonly number[] {
    return []
  }

  chunk(): Uint8Array {
    throw new RangeError('expected no chunk of a process without memory')
  }

  engine(): Uint8Array {
    return NO_CHUNK
  }

  close(): void {
    this.#open = false
  }
}

/** A program that ended with an error may have said which, in a line of its own; no other line counts then. */
function refusalsOf(end: ProgramEnd): ReturnType<typeof readActions> {
  try {
    return readActions(end.stdout).filter(({ kind }) => kind === 'error')
  } catch (error) {
    if (error instanceof ProgramStop) return []
    throw error
  }
}

/** The last line of the log says best why: it is where interpreters put the exception. */
function exitStop(end: ProgramEnd, log: string): ProgramStop {
  const last = log.slice(log.lastIndexOf('\n') + 1)
  return new ProgramStop('exit', `exit ${end.exit}${last === '' ? '' : `: ${last}`}`)
}

const logOf = ({ stderr }: ProgramEnd): string => lenient.decode(stderr).trimEnd()

function encodeAnswer(answer: object): Uint8Array {
  const output = toUtf8(JSON.stringify(answer))
  if (output.length > OUTPUT_SIZE_MAX_BYTES)
    throw new ProgramStop('output-limit', `an answer of ${output.length} bytes`)
  return output
}

/** The fields of a message as a plain object: messages of compute units make theirs when asked. */
function plain(message: GuestMessage): GuestMessage {
  const { kind, id, slot, timestampMs, target, from, owner, fromProcess, fromModule } = message
  const { tags, data, anchor, signature, origin, depth, timer } = message
  const sender = { from, owner, fromProcess, fromModule }
  return {
    kind,
    id,
    slot,
    timestampMs,
    target,
    ...sender,
    tags,
    data,
    anchor,
    signature,
    origin,
    depth,
    timer,
  }
}
