import { Failure } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess } from '../words/find-named.ts'
import { keysFlag, quorumFlag } from '../words/key-flags.ts'
import { countFlag } from '../words/message-arguments.ts'

const GOING_ON = 'with --allow-loss it goes on without them, and what they acknowledged lately may be lost'

/** `atoll process handover` */
export async function handover(context: CommandContext): Promise<undefined> {
  const { flags, positionals, limits, output } = context
  const process = await findProcess(context, positionals[0] ?? '')
  const schedulers = keysFlag(flags, 'scheduler')
  if (schedulers === undefined)
    throw new Failure('usage', { option: 'scheduler' }, { note: 'name who schedules it from now on' })
  const computeUnits = keysFlag(flags, 'compute-unit')
  const handing = context.client().processes.handover(
    process,
    {
      schedulers,
      schedulerQuorum: quorumFlag(flags, 'scheduler-quorum', schedulers),
      computeUnits,
      // Of how many it may be, if none are named, the process's policy tells.
      agree: computeUnits === undefined ? countFlag(flags, 'agree', 1) : quorumFlag(flags, 'agree', computeUnits),
      allowLoss: flags['allow-loss'] === true,
      signer: await context.signer(),
    },
    limits,
  )
  const handed = await handing.catch(error => {
    throw Failure.is(error, 'no-quorum')
      ? new Failure('no-quorum', { process }, { cause: error, note: GOING_ON })
      : error
  })
  output.document('handover', handed, () =>
    [
      `${process} is in epoch ${handed.epoch}: slots up to ${handed.slots - 1} stay, ${schedulers.join(' ')} ${schedulers.length === 1 ? 'gives' : 'give'} the next`,
      ...(handed.held
        ? []
        : ['its schedulers did not answer: what they acknowledged and nobody else in reach had is lost']),
    ].join('\n'),
  )
}
