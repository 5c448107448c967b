import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { NodeOptions } from '../../node/index.ts'
import { freshBundle, NODE_ENGINE } from '../../startup/index.ts'

const PROGRAM = fileURLToPath(new URL('programs/node-program.ts', import.meta.url))
/** Looked for once, and not by each node that starts. */
const BUNDLE = freshBundle()
const START_MAX_MS = 120_000

/** A node in a process of its own. */
export interface RunningNode extends AsyncDisposable {
  readonly url: string
  readonly scheduler: string
  /** Where peers reach it. */
  readonly addresses: readonly string[]
  readonly pid: number
  /** Ends it with SIGKILL, its hosts die with their pipes; resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts a node over `data`, with its engine as `atoll up` sets it, and waits until it serves; `prefix` stands before the command. */
export async function startNode(
  data: string,
  options: Pick<
    NodeOptions,
    'listen' | 'peer' | 'acceptRestored' | 'host' | 'allowedHosts' | 'units' | 'spotChecks'
  > = {},
  prefix: readonly string[] = [],
  program: string = PROGRAM,
): Promise<RunningNode> {
  const node = [process.execPath, ...NODE_ENGINE.execArgv, program, data, JSON.stringify(options)]
  const [command = '', ...args] = [...prefix, ...node]
  const env = { ...NODE_ENGINE.env, ...process.env, ...(BUNDLE && { ATOLL_TEST_BUNDLE: BUNDLE.href }) }
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  let stderr = ''
  child.stderr.on('data', chunk => {
    stderr = (stderr + String(chunk)).slice(-4000)
  })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  // What it said last has been read by then.
  const closed = new Promise<void>(resolve => child.once('close', () => resolve()))
  const tooLong = setTimeout(() => child.kill('SIGKILL'), START_MAX_MS)
  const ready = await Promise.race([
    firstLine(child),
    closed.then(() =>
      Promise.reject(new Error(`the node ended, or was not ready after ${START_MAX_MS} ms: ${stderr}`)),
    ),
  ]).finally(() => clearTimeout(tooLong))
  const { url, scheduler, addresses } = JSON.parse(ready) as Pick<RunningNode, 'url' | 'scheduler' | 'addresses'>
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal)
    await gone
  }
  return {
    url,
    scheduler,
    addresses,
    pid: child.pid ?? 0,
    kill: () => end('SIGKILL'),
    [Symbol.asyncDispose]: () => end('SIGTERM'),
  }
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    if (child.stdout === null) reject(new Error('no output'))
    else createInterface({ input: child.stdout }).once('line', resolve)
  })
}
