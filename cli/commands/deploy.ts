import { resolve } from 'node:path'
import type { Client } from '../../sdk/index.ts'
import { readProject } from '../../toolchain/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { choiceFlag } from '../words/message-arguments.ts'
import { carryOut, type Done } from '../project/carry-out.ts'
import { planProject, type Step } from '../project/plan.ts'
import { whileWaiting } from '../showing/progress.ts'
import { showOtherwise, showReplayed } from '../showing/show-replayed.ts'
import { shortId } from '../showing/short-id.ts'
import { renderTable } from '../showing/table.ts'
import { commandName, firstCall, urlFlag } from '../showing/words-to-type.ts'

/** `atoll deploy`: builds a project, shows what differs from the node, and carries it out. */
export async function deploy(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, terminal, output, limits } = context
  const project = await readProject(resolve(terminal.cwd, positionals[0] ?? '.'))
  const signer = await context.signer()
  const client = context.client()
  const pending = choiceFlag(flags, 'pending', ['wait', 'reject'])
  const steps = await whileWaiting('building', terminal, planProject(client, project, signer, limits))
  if (flags['dry-run'] === true) {
    output.list('deploy.step', 'steps', steps.map(summary), () => tableOf(steps))
    return undefined
  }
  const all: Done[] = []
  for (const step of steps) {
    const done = await carryOut(client, step, { signer, pending, limits, terminal })
    all.push(done)
    if (output.format === 'text')
      terminal.err(`${terminal.paintErr('green', '✔')} ${sentenceOf(done)}\n${otherwise(done)}`)
  }
  if (output.format === 'text') await tellNext(context, client, all)
  output.list('deploy.done', 'processes', all, () => all.map(({ name, process }) => `${name}\t${process}`).join('\n'))
  return undefined
}

/** How the first process that was made is called. */
async function tellNext(context: CommandContext, client: Client, all: readonly Done[]): Promise<void> {
  const made = all.find(({ action }) => action === 'spawn')
  const words = made && (await firstCall(client, made.name, made.process))
  if (words === undefined) return
  context.terminal.err(`next: ${commandName(context)} ${words}${urlFlag(context, context.settings.url)}\n`)
}

const summary = ({ built, module, process, action }: Step): object => ({
  name: built.name,
  action,
  format: built.format,
  module,
  process,
})

function tableOf(steps: readonly Step[]): string {
  const rows = steps.map(({ built, module, process, action }) => [
    built.name,
    action,
    built.format,
    shortId(module),
    process === undefined ? '' : shortId(process),
  ])
  return renderTable(
    [{ title: 'NAME' }, { title: 'ACTION' }, { title: 'FORMAT' }, { title: 'MODULE' }, { title: 'PROCESS' }],
    rows,
  )
}

/** Lines below that, of what an upgraded process answers otherwise than before. */
export const otherwise = ({ check }: Done): string =>
  (check === undefined ? [] : showOtherwise(check)).map(line => `  ${line}\n`).join('')

/** What was done, in words. */
export function sentenceOf({ name, action, process, slot, check }: Done): string {
  const where = slot === undefined ? '' : ` · slot ${slot}`
  switch (action) {
    case 'spawn':
      return `${name} spawned · ${shortId(process)}`
    case 'upgrade': {
      const replayed = check && showReplayed(check)
      return `${name} upgraded in place, state kept${where}${replayed === undefined ? '' : ` · ${replayed}`}`
    }
    case 'install':
      return `${name} has its new program${where}`
    case 'unchanged':
      return `${name} is as it was`
  }
}
