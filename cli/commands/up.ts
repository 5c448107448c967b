import { flushCompileCache } from 'node:module'
import { relative } from 'node:path'
import { type AtollNode, type Config, loadConfig, standardModules } from '../../node/index.ts'
import { Client, ed25519Signer, generateEd25519Seed, inProcessTransport, type Signer } from '../../sdk/index.ts'
import { counted } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { configFlags } from '../words/config-flags.ts'
import { showDuration } from '../words/duration.ts'
import { isFirstStart, runFirstStart } from '../showing/first-start.ts'
import type { Progress } from '../showing/progress.ts'
import { safeName } from '../showing/show-bytes.ts'
import { nameOf } from '../words/find-named.ts'
import { nodeLogger } from '../showing/node-logger.ts'
import { startNode } from '../start-node.ts'
import { shortId } from '../showing/short-id.ts'
import { renderTable } from '../showing/table.ts'
import { renderTrace } from '../showing/trace-tree.ts'
import { VERSION } from '../version.ts'
import { commandName, urlFlag } from '../showing/words-to-type.ts'

const COLUMNS_DEFAULT = 110
/** Processes shown one by one on a later start. */
const SHOWN_MAX = 8
/** A process this far behind is replayed for long enough to be shown. */
const REPLAY_SHOWN_MIN_SLOTS = 1000

/** `atoll up`: a node, until it is interrupted or told to end. */
export async function up(context: CommandContext): Promise<undefined> {
  const { flags, terminal, output } = context
  const { config } = await loadConfig({ flags: configFlags(flags), env: terminal.env, cwd: terminal.cwd })
  const started = performance.now()
  const shutdown = new AbortController()
  const ended = AbortSignal.any([terminal.signal, shutdown.signal])
  await using node = await startNode({
    ...config,
    logger: nodeLogger(context, config.logLevel),
    progress: replayProgress(context),
    onShutdown: () => shutdown.abort(),
  })
  const { url, key, network } = node
  const { peerId, addresses } = network ?? {}
  output.document(
    'node.ready',
    { url, scheduler: key, authority: key, peerId, addresses, data: config.data, version: VERSION },
    () => banner(context, node, config, performance.now() - started),
  )
  // It may be killed: what the next start can use is written now.
  flushCompileCache()
  await greet(context, node, config, ended)
  await untilAborted(ended)
  if (output.format === 'text') terminal.err('\nstopping: what is accepted is kept; interrupt again to stop at once\n')
}

function banner(
  { terminal }: CommandContext,
  { url, key, network, roles }: AtollNode,
  config: Config,
  tookMs: number,
): string {
  const { paint } = terminal
  return [
    `${paint('bold', `atoll ${VERSION}`)} · node ${shortId(key)} · ${roles.names.join(', ')} · ready in ${showDuration(tookMs)}`,
    `  API      ${url}/v1`,
    `  OpenAPI  ${url}/openapi.json`,
    `  AO       ${url}/mu /su /cu /graphql`,
    `  IC       ${url}/api`,
    `  Metrics  ${url}/metrics`,
    ...(network === undefined ? [] : network.addresses.map(address => `  Peers    ${address}`)),
    `  Data     ${shownPath(terminal.cwd, config.data)} (kept between starts)`,
  ].join('\n')
}

/** On the first start shows two processes at work; later, what was found again. */
async function greet(context: CommandContext, node: AtollNode, config: Config, signal: AbortSignal): Promise<void> {
  const { flags, output } = context
  const client = new Client({ transport: inProcessTransport(node.operations) })
  const limits = { signal }
  if (!(await isFirstStart(client, limits))) {
    output.text(await foundAgain(context, client, config))
  } else if (flags['demo'] === true) {
    await showFirstStart(context, client, node.url, signal)
  }
}

async function showFirstStart(
  context: CommandContext,
  client: Client,
  url: string,
  signal: AbortSignal,
): Promise<void> {
  const { output, terminal } = context
  const { columns = COLUMNS_DEFAULT, paint } = terminal
  const first = await runFirstStart(client, await standardModules(), await someSigner(context), { signal })
  const nameOfProcess = (process: string): string => first.names.get(process) ?? shortId(process)
  const program = commandName(context)
  if (output.format !== 'text') return output.document('node.first-start', { ...first, names: undefined }, () => '')
  const end = urlFlag(context, url)
  output.text(
    [
      '',
      `first start: two processes, ${paint('bold', 'ping')} ${shortId(first.ping)} and ${paint('bold', 'pong')} ${shortId(first.pong)};`,
      'one message to ping, and all that it caused:',
      '',
      renderTrace(first.trace, { nameOf: nameOfProcess, columns, paint }),
      '',
      `${paint('green', '✔')} ${counted(first.verified, 'result')} verified here: signatures, certificates, Merkle paths, slots`,
      '',
      'next, in another terminal:',
      `  ${program} spawn counter --name hits${end}`,
      `  ${program} send hits --action Add --tag Quantity=5${end}`,
      `  ${program} send ping --action Start --tag Peer=${first.pong} --tag Rounds=9 --wait settled${end}`,
      `  ${program} --help`,
    ].join('\n'),
  )
}

/** The user's identity; where none can be kept, a key that is forgotten when the node ends. */
async function someSigner(context: CommandContext): Promise<Signer> {
  try {
    return await context.signer()
  } catch (error) {
    context.terminal.err(
      `no identity can be kept (${error instanceof Error ? error.message : String(error)}); a passing key signs\n`,
    )
    return ed25519Signer(generateEd25519Seed())
  }
}

async function foundAgain(context: CommandContext, client: Client, config: Config): Promise<string> {
  const { terminal, limits } = context
  const processes = await Array.fromAsync(client.processes.list(limits))
  const states = await Promise.all(processes.slice(0, SHOWN_MAX).map(({ id }) => client.processes.get(id, limits)))
  return [
    '',
    `${terminal.paint('green', '✔')} found again in ${shownPath(terminal.cwd, config.data)}: ${counted(processes.length, 'process')}`,
    renderTable(
      [{ title: '  NAME' }, { title: 'PROCESS' }, { title: 'SLOTS', right: true }, { title: 'EVALUATED', right: true }],
      states.map(({ id, tags, scheduled, evaluated }) => [
        `  ${safeName(nameOf(tags))}`,
        id,
        String(scheduled),
        String(evaluated),
      ]),
    ),
    ...(processes.length > states.length
      ? [`  … ${processes.length - states.length} more: ${commandName(context)} process list`]
      : []),
  ].join('\n')
}

/** Replays of all processes as one bar; what is quickly done shows nothing. */
function replayProgress(context: CommandContext): (process: string, evaluated: number, scheduled: number) => void {
  const shown = new Map<string, { readonly first: number; readonly evaluated: number; readonly scheduled: number }>()
  let bar: Progress | undefined
  return (process, evaluated, scheduled) => {
    const { first } = shown.get(process) ?? { first: evaluated }
    if (scheduled - first >= REPLAY_SHOWN_MIN_SLOTS) shown.set(process, { first, evaluated, scheduled })
    const all = [...shown.values()]
    if (all.every(one => one.evaluated >= one.scheduled)) {
      bar?.end()
      bar = undefined
      shown.clear()
      return
    }
    bar ??= context.progress('replaying')
    bar.at(
      all.reduce((sum, one) => sum + one.evaluated - one.first, 0),
      all.reduce((sum, one) => sum + one.scheduled - one.first, 0),
    )
  }
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function shownPath(from: string, path: string): string {
  const near = relative(from, path)
  return near.startsWith('..') || near === '' ? path : `./${near}`
}
