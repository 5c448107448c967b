import { verifyProcess } from '../../node/index.ts'
import { asProcessId, counted, toHex } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findProcess } from '../words/find-named.ts'
import { countFlag } from '../words/message-arguments.ts'
import { sourceFromNode } from '../remote-source.ts'
import { safeLine } from '../showing/show-bytes.ts'
import { renderTable } from '../showing/table.ts'

const SHOWN = 20

/** `atoll process replay`: evaluates a feed on this machine up to a slot, and shows gas and state root of each. */
export async function replay(context: CommandContext): Promise<CommandEnd> {
  const { flags, output, limits, terminal } = context
  const [to, last = SHOWN] = [countFlag(flags, 'to'), countFlag(flags, 'last', 1)]
  const process = asProcessId(await findProcess(context, context.positionals[0] ?? ''))
  const client = context.client()
  const { scheduled } = await client.processes.get(process, limits)
  const end = Math.min(scheduled, (to ?? scheduled) + 1)
  const progress = context.progress('evaluating again')
  const source = sourceFromNode(client, process, { signal: limits.signal })
  const report = await verifyProcess(source, {
    signal: terminal.signal,
    to,
    steps: true,
    onProgress: ({ slots }) => progress.at(slots, end),
  }).finally(progress.end)
  const { ok, firstFault, certified, frames } = report
  const steps = report.steps
    .filter(({ slot }) => slot < end)
    .slice(-last)
    .map(({ slot, gas, stateRoot }) => ({ slot, gas, stateRoot: toHex(stateRoot) }))
  const reached = steps.at(-1)
  const document = {
    process,
    slot: reached?.slot,
    stateRoot: reached?.stateRoot,
    ok,
    frames,
    certified,
    firstFault,
    steps,
  }
  output.document('process.replay', document, () =>
    renderTable(
      [{ title: 'SLOT', right: true }, { title: 'GAS', right: true }, { title: 'STATE ROOT' }],
      steps.map(({ slot, gas, stateRoot }) => [String(slot), gas.toLocaleString('en'), stateRoot]),
    ),
  )
  if (output.format === 'text') {
    const mark = ok ? terminal.paintErr('green', '✔') : terminal.paintErr('red', '✖')
    const said =
      firstFault === undefined
        ? `${certified.toLocaleString('en')} of ${counted(frames, 'frame')} certified, and none differs`
        : `slot ${firstFault.slot}: ${safeLine(firstFault.what)}`
    terminal.err(`${mark} ${said}\n`)
  }
  return ok ? undefined : EXIT.verification
}
