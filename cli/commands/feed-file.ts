import { resolve } from 'node:path'
import { type CheckedFeed, checkFeedFile, feedFile, importIntoFolder, loadConfig } from '../../node/index.ts'
import { asProcessId, concatBytes, counted, feedKey, messagesFeed, toBase64Url } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { configFlags } from '../words/config-flags.ts'
import { findProcess } from '../words/find-named.ts'
import { sourceFromNode } from '../remote-source.ts'
import { readUserFile, readUserFileIfAny, writeUserFile } from '../words/user-files.ts'

/** `atoll feed verify` */
export async function verifyFeed(context: CommandContext): Promise<undefined> {
  const [what = ''] = context.positionals
  const feed = await checkFeedFile(
    (await readUserFileIfAny(context.terminal, what)) ?? (await fetchFeed(context, what)),
  )
  show(context, 'feed.verified', feed, 'holds: spawn message, blocks, order and signatures')
}

/** `atoll feed export` */
export async function exportFeed(context: CommandContext): Promise<undefined> {
  const [what = ''] = context.positionals
  const process = asProcessId(await findProcess(context, what))
  const { file = `${process}.feed` } = context.flags
  const path = resolve(context.terminal.cwd, String(file))
  const bytes = await fetchFeed(context, process)
  const feed = await checkFeedFile(bytes)
  await writeUserFile(context.terminal, path, bytes, 'wx')
  show(context, 'feed.exported', feed, `is in ${path}`)
}

/** `atoll feed import` */
export async function importFeedFile(context: CommandContext): Promise<undefined> {
  const { flags, terminal } = context
  const { config } = await loadConfig({ flags: configFlags(flags), env: terminal.env, cwd: terminal.cwd })
  const feed = await checkFeedFile(await readUserFile(terminal, context.positionals[0] ?? ''))
  const added = await importIntoFolder(config.data, feed)
  show(context, 'feed.imported', feed, `is in ${config.data}: ${counted(added, 'block')} new`, { added })
}

function show(
  context: CommandContext,
  type: string,
  { process, slots, head }: CheckedFeed,
  text: string,
  more: { readonly added?: number } = {},
): void {
  const { schedulers, schedulerQuorum } = process.policy
  const key = toBase64Url(feedKey(messagesFeed(process)))
  const document = {
    process: process.id,
    key,
    slots,
    blocks: head.length,
    signers: schedulers,
    quorum: schedulerQuorum,
    ...more,
  }
  context.output.document(
    type,
    document,
    () =>
      `feed of ${process.id}, ${counted(slots, 'slot')} in ${counted(head.length, 'block')}, signed by ${schedulerQuorum} of ${schedulers.length}, ${text}`,
  )
}

async function fetchFeed(context: CommandContext, what: string): Promise<Uint8Array> {
  const process = asProcessId(await findProcess(context, what))
  const source = sourceFromNode(context.client(), process, { signal: context.limits.signal })
  return concatBytes(...(await Array.fromAsync(feedFile(source))))
}
