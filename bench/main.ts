/**
 * `npm run bench -- [options]`: measures Atoll and, in the same run on the same machine, the other
 * side of each comparison. The table goes to stdout, progress to stderr; a full run writes
 * bench/RESULTS.md.
 *
 *   --quick            small counts and no soak, a few minutes; for CI and for trying
 *   --only 1,3         only these rows
 *   --no-peers         no other systems: nothing is downloaded, ratios are left out
 *   --soak <minutes>   how long the load of row 8 lasts (10; 0 leaves it out)
 *   --out <file>       writes the page there, after partial and quick runs too
 *
 * A row that fails is told, and the others go on; the exit code is 1 then. A goal that is missed
 * is no failure.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { nativeCrypto } from '../node/index.ts'
import { installCrypto } from '../protocol/index.ts'
import { progress } from './peer-child.ts'
import { installPeers } from './peers.ts'
import { agentsRow } from './rows/agents.ts'
import { aoconnectRow } from './rows/aoconnect.ts'
import { aosRow } from './rows/aos.ts'
import { callsRow } from './rows/calls.ts'
import { awaitsRow } from './rows/awaits.ts'
import { evaluationRow } from './rows/evaluation.ts'
import { canisterExecutionRow } from './rows/canister-execution.ts'
import { canistersRow } from './rows/canisters.ts'
import { endlessCanisterRow } from './rows/endless-canister.ts'
import { feedsRow } from './rows/feeds.ts'
import { growthRow } from './rows/growth.ts'
import { hopsRow } from './rows/hops.ts'
import { idleRow } from './rows/idle.ts'
import { commandsRow } from './rows/commands.ts'
import { describeMachine } from './rows/machine.ts'
import { messagesRow } from './rows/messages.ts'
import { remoteResultsRow } from './rows/remote-results.ts'
import { replayRow } from './rows/replay.ts'
import { markdownPage, type RowReport, terminalTable } from './rows/report.ts'
import type { Line, Row, RowContext } from './rows/row.ts'
import { simulationRow } from './rows/simulation.ts'
import { soakRow } from './rows/soak.ts'

const ROWS: readonly Row[] = [
  messagesRow,
  hopsRow,
  aosRow,
  aoconnectRow,
  evaluationRow,
  replayRow,
  idleRow,
  soakRow,
  agentsRow,
  simulationRow,
  canistersRow,
  canisterExecutionRow,
  callsRow,
  remoteResultsRow,
  awaitsRow,
  commandsRow,
  feedsRow,
  growthRow,
  endlessCanisterRow,
]

const RESULTS = fileURLToPath(new URL('RESULTS.md', import.meta.url))
const SOAK_MINUTES = 10
const MS_PER_MINUTE = 60_000

interface Options {
  readonly quick: boolean
  readonly peers: boolean
  readonly soakMinutes: number
  readonly rows: readonly Row[]
  readonly out: string | undefined
}

function readOptions(): Options {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'boolean', default: true },
      only: { type: 'string' },
      soak: { type: 'string' },
      out: { type: 'string' },
    },
  })
  const { quick, peers, only, soak, out } = values
  const soakMinutes = Number(soak ?? (quick ? 0 : SOAK_MINUTES))
  if (!(soakMinutes >= 0)) throw new Error(`--soak: expected minutes, got ${soak}`)
  const numbers = only?.split(',').map(Number)
  const unknown = numbers?.filter(number => !ROWS.some(row => row.number === number)) ?? []
  if (unknown.length > 0)
    throw new Error(`--only: expected some of ${ROWS.map(row => row.number).join(', ')}, got ${only}`)
  const rows = ROWS.filter(row => numbers?.includes(row.number) ?? true)
  const whole = !quick && peers && only === undefined && soak === undefined
  return { quick, peers, soakMinutes, rows, out: out ?? (whole ? RESULTS : undefined) }
}

async function runRow(row: Row, options: Options, signal: AbortSignal, notes: string[]): Promise<RowReport> {
  const { number, title, covers } = row
  const { quick, peers, soakMinutes } = options
  const lines: Line[] = []
  const context: RowContext = {
    signal,
    quick,
    peers,
    soakMinutes,
    add: line => void lines.push(line),
    note: text => {
      progress(`row ${number}: ${text}`)
      notes.push(`Row ${number}: ${text}`)
    },
  }
  progress(`row ${number}: ${title}`)
  try {
    await row.run(context)
    return { number, title, covers, lines, failure: undefined }
  } catch (error) {
    signal.throwIfAborted()
    const failure = error instanceof Error ? error.message : String(error)
    progress(`row ${number} failed: ${error instanceof Error ? (error.stack ?? failure) : failure}`)
    return { number, title, covers, lines, failure }
  }
}

async function main(signal: AbortSignal): Promise<number> {
  const options = readOptions()
  const start = performance.now()
  installCrypto(nativeCrypto)
  const notes: string[] = []
  const peers = options.peers && (await peersAreThere(signal, notes))
  const machine = await describeMachine()
  const rows: RowReport[] = []
  for (const row of options.rows) {
    rows.push(await runRow(row, { ...options, peers }, signal, notes))
  }
  process.stdout.write(`${terminalTable(rows)}\n`)
  for (const note of notes) process.stdout.write(`- ${note}\n`)
  if (options.out !== undefined) {
    const minutes = (performance.now() - start) / MS_PER_MINUTE
    const command = ['npm run bench', ...commandTail(options.out)].join(' ')
    const page = { machine, command, rows, notes, minutes, quick: options.quick }
    await writeFile(options.out, markdownPage(page))
  }
  return rows.every(row => row.failure === undefined) ? 0 : 1
}

/** What was asked for, without where the page went. */
function commandTail(out: string): string[] {
  const given = process.argv.slice(2).filter(text => !text.startsWith('--out') && text !== out)
  return given.length === 0 ? [] : ['--', ...given]
}

/** Without peers our own figures still count. */
async function peersAreThere(signal: AbortSignal, notes: string[]): Promise<boolean> {
  try {
    await installPeers({ signal })
    return true
  } catch (error) {
    signal.throwIfAborted()
    notes.push(`No peers: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}

const interrupted = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interrupted.abort(new Error(`stopped by ${name}`)))
}
try {
  process.exitCode = await main(interrupted.signal)
} catch (error) {
  progress(error instanceof Error ? error.message : String(error))
  process.exitCode = interrupted.signal.aborted ? 130 : 1
}
