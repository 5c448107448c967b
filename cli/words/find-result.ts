import { Failure, isId } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess } from './find-named.ts'

/** A result that somebody named: where it stands, and which message was asked about. */
export interface FoundResult {
  readonly process: string
  readonly slot: number
  readonly message: string | undefined
}

/**
 * The result that `text` names: `process/slot`; the id of a message; or a process, whose last result it is.
 * @throws {Failure} `usage`, `unknown-process`, `unknown-message`, `unknown-slot`
 */
export async function findResult(context: CommandContext, text: string): Promise<FoundResult> {
  const [name = '', slot, ...rest] = text.split('/')
  if (slot !== undefined) {
    if (!/^\d{1,15}$/.test(slot) || rest.length > 0)
      throw new Failure('usage', { place: text }, { note: 'expected <process>/<slot>' })
    return { process: await findProcess(context, name), slot: Number(slot), message: undefined }
  }
  const place = isId(text) ? await placeOf(context, text) : undefined
  if (place !== undefined) return { ...place, message: text }
  const process = await findProcess(context, text)
  const { evaluated } = await context.client().processes.get(process, context.limits)
  if (evaluated === 0) throw new Failure('unknown-slot', { process, slots: 0 })
  return { process, slot: evaluated - 1, message: undefined }
}

/** Where a message stands; nothing for what is no message here. The spawn message of a process has the same id as that. */
async function placeOf(context: CommandContext, id: string): Promise<{ process: string; slot: number } | undefined> {
  try {
    const { places } = await context.client().places(id, context.limits)
    return places.find(({ process }) => String(process) !== id)
  } catch (error) {
    if (Failure.is(error, 'unknown-message')) return undefined
    throw error
  }
}
