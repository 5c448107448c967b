import { counted, type UpgradeCheckView } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findOrAddModule, findProcess } from '../words/find-named.ts'
import { choiceFlag, countFlag } from '../words/message-arguments.ts'
import { showDifferences } from '../showing/show-differences.ts'
import { safeBlock } from '../showing/show-bytes.ts'
import { showControlled } from '../showing/show-controlled.ts'
import { stepAfterTry } from '../showing/refused-upgrade.ts'
import { showOtherwise, showReplayed } from '../showing/show-replayed.ts'
import { shortId } from '../showing/short-id.ts'

const REPLAY = 20

/** `atoll process upgrade`: tries it on a copy first, and sends nothing if that fails. */
export async function upgrade(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits } = context
  const [name = '', moduleName = ''] = positionals
  const pending = choiceFlag(flags, 'pending', ['wait', 'reject'])
  const replay = countFlag(flags, 'replay') ?? REPLAY
  const process = await findProcess(context, name)
  const module = await findOrAddModule(context, moduleName)
  const { processes } = context.client()
  const isOnlyCheck = flags['check-only'] === true
  if (flags['no-check'] !== true || isOnlyCheck) {
    const check = await processes.checkUpgrade(process, { module, pending, replay }, limits)
    const isWaiting = check.error?.code === 'pending-calls' && !isOnlyCheck
    if (isOnlyCheck || !(check.ok || isWaiting)) return showCheck(context, check)
    if (isWaiting) sayWaiting(context, check)
    else sayCheck(context, check)
  }
  const keeps = flags['no-rollback'] !== true
  const signer = await context.signer()
  const done = await processes.upgrade(process, { module, pending, keeps, signer }, limits)
  return showControlled(context, done, {
    type: 'process.upgraded',
    done: `upgraded to ${moduleName}`,
    facts: { module },
  })
}

/** `atoll process rollback` */
export async function rollback(context: CommandContext): Promise<CommandEnd> {
  const { flags, positionals, limits } = context
  const pending = choiceFlag(flags, 'pending', ['reject', 'wait'])
  const process = await findProcess(context, positionals[0] ?? '')
  const { processes } = context.client()
  const signer = await context.signer()
  const done = await processes.rollback(process, { pending, signer }, limits)
  const { module } = await processes.lifecycle(process, limits)
  return showControlled(context, done, {
    type: 'process.rolled-back',
    done: `back at module ${shortId(module)}`,
    facts: { module },
  })
}

function showCheck(context: CommandContext, check: UpgradeCheckView): CommandEnd {
  const { output } = context
  output.document('process.upgrade-check', check, () => showDifferences(check.migrated))
  sayCheck(context, check)
  return check.ok ? undefined : EXIT.failed
}

/** That the upgrade is tried again until the open calls have ended. */
function sayWaiting({ terminal, output }: CommandContext, { pending }: UpgradeCheckView): void {
  if (output.format === 'text')
    terminal.err(`waiting for ${counted(pending, 'open call')} to end; --pending reject does not wait\n`)
}

/** How it went, on standard error. */
function sayCheck({ terminal, output }: CommandContext, check: UpgradeCheckView): void {
  if (output.format !== 'text') return
  const { ok, error, pending, migrated } = check
  if (!ok) {
    terminal.err(`${terminal.paintErr('red', '✖')} on a copy of the state it fails, so nothing was sent\n`)
    if (error !== undefined) terminal.err(`  ${safeBlock(`${error.code}: ${error.message}`)}\n`)
    terminal.err(`  next: ${stepAfterTry(error)}\n`)
    return
  }
  const facts = [`${counted(migrated.length, 'change')} of the document`]
  if (pending > 0) facts.push(counted(pending, 'open call'))
  const replayed = showReplayed(check)
  if (replayed !== undefined) facts.push(replayed)
  terminal.err(`${terminal.paintErr('green', '✔')} on a copy of the state it works · ${facts.join(' · ')}\n`)
  for (const line of showOtherwise(check)) terminal.err(`  ${line}\n`)
}
