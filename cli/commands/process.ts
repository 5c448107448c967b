import { Failure, findTag, principalOf, principalText, type Tag } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess, moduleNameOf, nameOf } from '../words/find-named.ts'
import { shortId } from '../showing/short-id.ts'
import { safeLine, safeName } from '../showing/show-bytes.ts'
import { renderTable } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'

/** `atoll process list` */
export async function listProcesses(context: CommandContext): Promise<undefined> {
  const { client, output, limits } = context
  const processes = await Array.fromAsync(client().processes.list(limits))
  const modules = output.format === 'text' ? await Array.fromAsync(client().modules.list(limits)) : []
  const moduleNames = new Map(modules.map(({ id, tags }) => [id, moduleNameOf(tags)]))
  output.list('process', 'processes', processes, () =>
    processes.length === 0
      ? `there are none yet; ${commandName(context)} spawn counter --name hits makes one`
      : renderTable(
          [{ title: 'NAME' }, { title: 'PROCESS' }, { title: 'SPAWNED FROM' }],
          processes.map(({ id, tags, module }) => [
            safeName(nameOf(tags)),
            id,
            `${safeName(moduleNames.get(module) ?? '')} ${shortId(module)}`.trim(),
          ]),
        ),
  )
}

/** `atoll process show` */
export async function showProcess(context: CommandContext): Promise<undefined> {
  const id = await findProcess(context, context.positionals[0] ?? '')
  const process = await context.client().processes.get(id, context.limits)
  const { policy } = process
  const epochs = process.epoch === 0 ? [] : await context.client().processes.epochs(id, context.limits)
  // A node that only carries its messages need not have it.
  const { format, tags } = await context.client().modules.get(process.moduleInForce, context.limits).catch(nowhere)
  const candid = format === 'canister' ? await (await import('./ic.ts')).candidOf(context, process.id) : undefined
  const { evidence } = await context
    .client()
    .transport.request('listEvidence', { process: process.id, kind: undefined }, context.limits)
  const open = evidence.filter(({ settled }) => settled !== true)
  context.output.document('process', { ...process, epochs, candid, evidence: open }, () =>
    [
      `process    ${process.id}`,
      ...(findTag(process.tags, 'Name') === undefined ? [] : [`name       ${safeName(nameOf(process.tags))}`]),
      `module     ${`${process.moduleInForce} ${safeName(moduleNameOf(tags))}`.trimEnd()}`,
      ...(process.moduleInForce === process.module ? [] : [`spawned as ${process.module}`]),
      `owner      ${process.owner}`,
      ...(process.parent === undefined ? [] : [`parent     ${process.parent}`]),
      `slots      ${process.scheduled.toLocaleString('en')} scheduled, ${process.evaluated.toLocaleString('en')} evaluated`,
      `scheduler  ${policy.schedulers.join(' ')} (${policy.schedulerQuorum} must sign)`,
      ...epochs.map(
        ({ epoch, firstSlot, policy: { schedulers } }) =>
          `epoch ${String(epoch).padEnd(4)} from slot ${firstSlot.toLocaleString('en')} on, scheduled by ${schedulers.join(' ')}`,
      ),
      `compute    ${policy.computeUnits.join(' ')} (${policy.computeQuorum} must agree)`,
      ...open.map(
        one => `evidence   ${one.kind} of ${one.accused.join(' ')}: ${commandName(context)} evidence show ${one.id}`,
      ),
      ...(candid === undefined
        ? []
        : [
            `principal  ${principalText(principalOf(process.id))}`,
            'candid',
            ...candid.trim().split('\n').map(safeLine),
          ]),
    ].join('\n'),
  )
}

function nowhere(error: unknown): { readonly format?: string; readonly tags: readonly Tag[] } {
  if (Failure.is(error, 'unknown-module')) return { tags: [] }
  throw error
}
