import { verifyProcess } from '../../node/index.ts'
import { asProcessId, toHex } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findProcess } from '../words/find-named.ts'
import { sourceFromNode } from '../remote-source.ts'
import { showVerification } from '../showing/show-verification.ts'

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
  output.document('process.verify', document, () => showVerification(report, terminal))
  return ok ? undefined : EXIT.verification
}
