import { verifyProcess } from '../../node/index.ts'
import { asProcessId, toHex } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { showDuration } from '../duration.ts'
import { EXIT } from '../exit-code.ts'
import { findProcess } from '../find-named.ts'
import { sourceFromNode } from '../remote-source.ts'
import { safeLine } from '../show-bytes.ts'

/** `atoll process verify`: fetches a process's feed and evaluates all of it again, on this machine. */
export async function verify(context: CommandContext): Promise<CommandEnd> {
  const { output, limits, terminal } = context
  const process = asProcessId(await findProcess(context, context.positionals[0] ?? ''))
  const client = context.client()
  const { scheduled } = await client.processes.get(process, limits)
  const progress = context.progress('evaluating again')
  const source = sourceFromNode(client, process, { signal: limits.signal })
  const report = await verifyProcess(source, {
    signal: terminal.signal,
    onProgress: ({ slots }) => progress.at(slots, scheduled),
  }).finally(progress.end)
  const { slots, frames, certified, ok, stateRoot, gas, firstFault, ms } = report
  const document = {
    process,
    slots,
    frames,
    certified,
    ok,
    stateRoot: toHex(stateRoot),
    gas,
    firstFault,
    ms: Math.round(ms),
  }
  output.document('process.verify', document, () => {
    if (firstFault !== undefined)
      return `${terminal.paint('red', '✖')} slot ${firstFault.slot}: ${safeLine(firstFault.what)}`
    const counts = `${slots.toLocaleString('en')} slots in ${frames.toLocaleString('en')} frames, ${certified.toLocaleString('en')} of them certified`
    return [
      `${terminal.paint('green', '✔')} ${counts}, evaluated again in ${showDuration(ms)}`,
      `  state root ${toHex(stateRoot)}`,
      `  gas        ${gas.toLocaleString('en')}`,
    ].join('\n')
  })
  return ok ? undefined : EXIT.verification
}
