import { isId, type TraceNodeView, type TraceView } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import type { CommandContext } from '../command.ts'
import { nameOf } from '../words/find-named.ts'
import { shortId } from './short-id.ts'
import { renderTrace } from './trace-tree.ts'

/** Names are a kindness: no more requests than this for them. */
const NAMED_MAX = 32
const COLUMNS_DEFAULT = 110

/** Prints a message tree for people. */
export async function showTrace(context: CommandContext, trace: TraceView): Promise<void> {
  const nameOfProcess = await processNames(context.client(), trace.root)
  const { columns = COLUMNS_DEFAULT, paint } = context.terminal
  context.output.text(renderTrace(trace, { nameOf: nameOfProcess, columns, paint }))
}

/** What to call the processes of a tree: their Name tags, else their short ids. */
export async function processNames(client: Client, root: TraceNodeView): Promise<(process: string) => string> {
  const ids = new Set<string>()
  const waiting = [root]
  for (let node = waiting.pop(); node !== undefined && ids.size < NAMED_MAX; node = waiting.pop()) {
    if (isId(node.process)) ids.add(node.process)
    waiting.push(...node.children)
  }
  const names = new Map<string, string>()
  await Promise.all(
    [...ids].map(async id => {
      try {
        const name = nameOf((await client.processes.get(id)).tags)
        if (name !== '') names.set(id, name)
      } catch {
        // Somebody who is no process here: the short id says enough.
      }
    }),
  )
  return process => names.get(process) ?? shortId(process)
}
