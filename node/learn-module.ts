import { describeModule, Failure, type Log, type ModuleDescription, type ModuleId, parseDataItem, type Peers, verifyDataItem } from '../protocol/index.ts'

export interface LearnModuleParts {
  readonly log: Pick<Log, 'directory'>
  readonly peers: Pick<Peers, 'moduleItem'>
  /** @throws {Failure} `module-refused`, `unsupported-format` */
  check(module: ModuleDescription): Promise<void>
}

/** Sees to it that a module is here: from whoever has it, believing nobody. @throws {Failure} `unknown-module`, `bad-signature`, `unreachable` */
export async function learnModule({ log, peers, check }: LearnModuleParts, id: ModuleId): Promise<void> {
  if ((await log.directory.module(id)) !== undefined) return
  const bytes = await peers.moduleItem(id)
  if (bytes === undefined) throw new Failure('unknown-module', { module: id })
  const item = parseDataItem(bytes)
  if (item.id !== id || !verifyDataItem(item)) throw new Failure('bad-signature', { id: item.id })
  await check(describeModule(item))
  await log.directory.addModule(item)
}
