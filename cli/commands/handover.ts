import { Failure } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess } from '../find-named.ts'
import { countFlag, textsFlag } from '../message-arguments.ts'

/** `atoll process handover` */
export async function handover(context: CommandContext): Promise<undefined> {
  const { flags, positionals, limits, output } = context
  const process = await findProcess(context, positionals[0] ?? '')
  const schedulers = textsFlag(flags, 'scheduler')
  if (schedulers.length === 0)
    throw new Failure('bad-input', { option: 'scheduler' }, { note: 'name who schedules it from now on' })
  const units = textsFlag(flags, 'compute-unit')
  const count = (name: string): number | undefined =>
    flags[name] === undefined ? undefined : countFlag(flags, name, 1)
  const handed = await context.client().processes.handover(
    process,
    {
      schedulers,
      schedulerQuorum: count('scheduler-quorum'),
      computeUnits: units.length > 0 ? units : undefined,
      agree: count('agree'),
      allowLoss: flags['allow-loss'] === true,
      signer: await context.signer(),
    },
    limits,
  )
  output.document('handover', handed, () =>
    [
      `${process} is in epoch ${handed.epoch}: slots up to ${handed.slots - 1} stay, ${schedulers.join(' ')} gives the next`,
      ...(handed.held
        ? []
        : ['its schedulers did not answer: what they acknowledged and nobody else in reach had is lost']),
    ].join('\n'),
  )
}
