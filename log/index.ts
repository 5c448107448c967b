// All feeds of a node, its journal, and what is derived from them, on Hypercore and RocksDB.
export type { FrozenFeed } from './feeds/feed-states.ts'
export { HypercoreLog } from './hypercore-log.ts'
export type { JournalFile, JournalFiles } from './journal/journal-files.ts'
export { diskFiles } from './journal/journal-files.ts'
export { isOpen } from './is-open.ts'
export { makeFolder } from './make-folder.ts'
export type { OpenLogOptions, OpenProgress } from './open-log.ts'
