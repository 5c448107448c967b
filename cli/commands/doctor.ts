import { lstat } from 'node:fs/promises'
import { loadConfig } from '../../node/index.ts'
import { counted, Failure, type NodeView } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { showDuration } from '../words/duration.ts'
import { EXIT, exitCodeOf } from '../exit-code.ts'
import { IdentityStore } from '../identity-store.ts'
import { DEFAULT_IDENTITY } from '../words/settings.ts'
import { renderTable, widthOf } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'

const ASK_TIMEOUT_MS = 5_000
const CLOCK_SKEW_MAX_MS = 5_000

interface Check {
  readonly name: string
  readonly state: 'good' | 'note' | 'bad'
  readonly text: string
  readonly exit?: number
}

interface Shown {
  readonly part: string
  readonly name: string
  readonly value: unknown
  readonly origin: string
  readonly about: string
}

/** `atoll doctor`: every setting with its origin, and what stands in the way. */
export async function doctor(context: CommandContext): Promise<CommandEnd> {
  const { output, settings, terminal } = context
  const node = await loadConfig({ env: terminal.env, cwd: terminal.cwd })
  const all = [
    ...settings.shown.map(setting => ({ part: 'client', ...setting })),
    ...node.settings.map(setting => ({ part: 'node', ...setting })),
  ]
  const checks = [
    checkRuntime(),
    await checkIdentity(context),
    await checkData(node.config.data, commandName(context)),
    ...(await checkNode(context)),
  ]
  output.document(
    'doctor',
    { settings: all, checks: checks.map(({ name, state, text }) => ({ name, state, text })) },
    () => {
      const marks = {
        good: terminal.paint('green', '✔'),
        note: terminal.paint('yellow', '·'),
        bad: terminal.paint('red', '✖'),
      }
      return [
        tableOf(all, terminal.columns),
        '',
        ...checks.map(({ name, state, text }) => `${marks[state]} ${name}: ${text}`),
      ].join('\n')
    },
  )
  return Math.max(...checks.map(({ exit = 0 }) => exit))
}

/** With what each setting is, if there is room for that. */
function tableOf(settings: readonly Shown[], columns: number | undefined): string {
  const titles = ['SETTING', 'VALUE', 'ORIGIN', 'WHAT IT IS'].map(title => ({ title }))
  const rows = settings.map(({ part, name, value, origin, about }) => [
    `${part}.${name}`,
    showValue(value),
    origin,
    about,
  ])
  const whole = renderTable(titles, rows)
  const isTooWide = columns !== undefined && whole.split('\n').some(line => widthOf(line) > columns)
  return isTooWide
    ? renderTable(
        titles.slice(0, -1),
        rows.map(row => row.slice(0, -1)),
      )
    : whole
}

function checkRuntime(): Check {
  return { name: 'runtime', state: 'good', text: `Node ${process.versions.node}, ${process.platform} ${process.arch}` }
}

async function checkIdentity({ settings }: CommandContext): Promise<Check> {
  const store = new IdentityStore(settings.home)
  const { identity } = settings
  if (identity === DEFAULT_IDENTITY && !(await store.has(identity))) {
    return { name: 'identity', state: 'note', text: 'none yet; made when something is first signed' }
  }
  try {
    return { name: 'identity', state: 'good', text: `${identity}, ${(await store.signer(identity)).address}` }
  } catch (error) {
    return failed('identity', error)
  }
}

async function checkData(path: string, command: string): Promise<Check> {
  try {
    const { mode } = await lstat(path)
    const isOpen = process.platform !== 'win32' && (mode & 0o077) !== 0
    if (isOpen)
      return { name: 'data', state: 'bad', text: `${path} can be entered by others; chmod 700`, exit: EXIT.permission }
    return { name: 'data', state: 'good', text: path }
  } catch {
    return { name: 'data', state: 'note', text: `${path} is not there yet; ${command} up makes it` }
  }
}

async function checkNode(context: CommandContext): Promise<Check[]> {
  const { client, limits, settings } = context
  const started = performance.now()
  try {
    const node = await client().node({ ...limits, timeoutMs: limits.timeoutMs ?? ASK_TIMEOUT_MS })
    const tookMs = performance.now() - started
    const skewMs = skewOf(node)
    const facts = `${settings.url} answers in ${showDuration(tookMs)}: version ${node.version}, ${counted(node.formats.length, 'module format')}`
    const peers = checkPeers(node, commandName(context))
    if (Math.abs(skewMs) <= CLOCK_SKEW_MAX_MS) return [{ name: 'node', state: 'good', text: facts }, peers]
    return [
      {
        name: 'node',
        state: 'note',
        text: `${facts}; its clock differs from ours by ${showDuration(Math.abs(skewMs))}`,
      },
      peers,
    ]
  } catch (error) {
    return [failed('node', error)]
  }
}

function checkPeers({ peers, addresses = [] }: NodeView, command: string): Check {
  if (peers === undefined)
    return {
      name: 'peers',
      state: 'note',
      text: `the node knows none; ${command} up --listen or --peer makes it one of many`,
    }
  const where = addresses.length === 0 ? 'it is reached by nobody' : `it is reached at ${addresses.join(' ')}`
  return { name: 'peers', state: peers > 0 ? 'good' : 'note', text: `linked to ${peers}; ${where}` }
}

function skewOf({ startedMs, uptimeMs }: NodeView): number {
  return startedMs + uptimeMs - Date.now()
}

function failed(name: string, error: unknown): Check {
  const failure = Failure.from(error)
  return { name, state: 'bad', text: failure.message, exit: exitCodeOf(failure) }
}

function showValue(value: unknown): string {
  if (value === undefined || value === '') return '–'
  return Array.isArray(value) ? value.join(',') || '–' : String(value)
}
