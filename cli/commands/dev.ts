import { rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { loadConfig } from '../../node/index.ts'
import { Failure } from '../../protocol/index.ts'
import { Client, inProcessTransport } from '../../sdk/index.ts'
import { type Project, readProject } from '../../toolchain/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { configFlags } from '../words/config-flags.ts'
import { showDuration } from '../words/duration.ts'
import { carryOut } from '../project/carry-out.ts'
import { nodeLogger } from '../showing/node-logger.ts'
import { hotKeys } from '../project/hot-keys.ts'
import { LiveResults } from '../project/live-results.ts'
import { planProject } from '../project/plan.ts'
import { StateLook } from '../project/state-look.ts'
import { whileWaiting } from '../showing/progress.ts'
import { type RoundEnd, TypeLook } from '../project/type-look.ts'
import { FileWatch } from '../project/watch-files.ts'
import { refuseRunning, startNode } from '../start-node.ts'
import { showFailure } from '../showing/show-failure.ts'
import { VERSION } from '../version.ts'
import { commandName, firstCall, urlFlag } from '../showing/words-to-type.ts'
import { otherwise, sentenceOf } from './deploy.ts'

/** Where a project keeps its network, unless said otherwise. */
const DATA_FOLDER = join('.atoll', 'dev')

/** `atoll dev`: a node of its own for a project, which is built and upgraded in place as its files are saved. */
export async function dev(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, terminal, output } = context
  const place = resolve(terminal.cwd, positionals[0] ?? '.')
  const project = await readProject(place)
  const { config } = await loadConfig({
    flags: { data: join(project.folder, DATA_FOLDER), ...configFlags(flags) },
    env: terminal.env,
    cwd: terminal.cwd,
  })
  if (flags['fresh'] === true) {
    await refuseRunning(config.data)
    await rm(config.data, { recursive: true, force: true })
  }
  const signer = await context.signer()
  await using node = await startNode({ ...config, logger: nodeLogger(context, config.logLevel) })
  const client = new Client({ transport: inProcessTransport(node.operations), signer })
  output.document('dev.ready', { url: node.url, scheduler: node.key, data: config.data, folder: project.folder }, () =>
    banner(context, node.url, config.data),
  )
  const states = new StateLook(client, terminal)
  const live = new LiveResults(client, terminal, (name, process) => states.look(name, process))
  using types = new TypeLook(terminal, project.folder)
  const round = new Rounds(async () => {
    const end = build(context, { place, client, live, watch })
    if (output.format === 'text') types.look(end)
    await end
  })
  using watch = new FileWatch(() => round.ask())
  watch.look(filesOf(project))
  await round.ask()
  if (output.format === 'text') await tellNext(context, client, live.first, node.url)
  using _ = hotKeys({
    r: () => void round.ask(),
    l: () => {
      live.isOn = !live.isOn
      terminal.err(`results are ${live.isOn ? 'shown' : 'not shown'}\n`)
    },
    q: () => process.kill(process.pid, 'SIGINT'),
  })
  if (process.stdin.isTTY) terminal.err(terminal.paintErr('dim', 'press r rebuild · l results on and off · q quit\n'))
  await untilAborted(terminal.signal)
  return undefined
}

/** How a process of the project is called from another terminal. */
async function tellNext(
  context: CommandContext,
  client: Client,
  first: { readonly name: string; readonly process: string } | undefined,
  url: string,
): Promise<void> {
  const words = first && (await firstCall(client, first.name, first.process))
  if (words === undefined) return
  context.terminal.err(`next, in another terminal: ${commandName(context)} ${words}${urlFlag(context, url)}\n`)
}

interface Bench {
  readonly place: string
  readonly client: Client
  readonly live: LiveResults
  readonly watch: FileWatch
}

/** Builds and carries out; what fails is told, and the next save tries again. */
async function build(context: CommandContext, { place, client, live, watch }: Bench): Promise<RoundEnd> {
  const { terminal, output, limits } = context
  const started = performance.now()
  try {
    const project = await readProject(place)
    const signer = await context.signer()
    const steps = await whileWaiting('building', terminal, planProject(client, project, signer, limits))
    watch.look([...filesOf(project), ...steps.flatMap(({ built }) => built.inputs)])
    for (const step of steps) {
      const done = await carryOut(client, step, { signer, pending: 'reject', limits, terminal })
      live.follow(done.name, done.process)
      const took = showDuration(performance.now() - started)
      if (output.format !== 'text')
        output.document('dev.built', { ...done, tookMs: performance.now() - started }, () => '')
      else
        terminal.err(
          `${terminal.paintErr('green', '✔')} ${sentenceOf(done)} ${terminal.paintErr('dim', `· ${took}`)}\n${otherwise(done)}`,
        )
    }
    return 'runs'
  } catch (error) {
    const failure = Failure.from(error)
    if (!terminal.signal.aborted) showFailure(failure, terminal, output.format)
    return failure.code === 'bad-program' ? 'unread' : 'refused'
  }
}

/** Runs one round at a time; who asks during one gets another after it. */
class Rounds {
  readonly #run: () => Promise<void>
  #running: Promise<void> | undefined
  #again = false

  constructor(run: () => Promise<void>) {
    this.#run = run
  }

  ask(): Promise<void> {
    if (this.#running !== undefined) {
      this.#again = true
      return this.#running
    }
    this.#running = this.#rounds().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false
      await this.#run()
    } while (this.#again)
  }
}

/** Files that a project names itself; what they import is known when they are built. */
function filesOf({ folder, sources }: Project): string[] {
  return [
    join(folder, 'package.json'),
    ...sources.map(source => (source.kind === 'agent' ? source.entry : (source.app ?? source.wasm))),
  ]
}

function banner({ terminal }: CommandContext, url: string, data: string): string {
  const { paint } = terminal
  return [
    `${paint('bold', `atoll ${VERSION}`)} · dev · 1 node (messenger, scheduler, compute)`,
    `  API      ${url}/v1`,
    `  OpenAPI  ${url}/openapi.json`,
    `  Metrics  ${url}/metrics`,
    `  Data     ${data} (kept; --fresh to start over)`,
    '',
  ].join('\n')
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(done => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}
