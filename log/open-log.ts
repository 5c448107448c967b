import type { HypercoreKeyPair } from 'hypercore'
import {
  asKeyId,
  type Directory,
  Failure,
  FEEDS_KNOWN_MAX,
  FEEDS_REPLICATED_MAX,
  JOURNAL_SEGMENT_BYTES,
  type KeyId,
  type ModuleId,
  OPEN_FEEDS_MAX,
  toBase64Url,
  WRITE_BEHIND_MAX_BYTES,
} from '../protocol/index.ts'
import { CarriedBlocks } from './journal/carried-blocks.ts'
import { type DataFolder, openDataFolder } from './data-folder.ts'
import { FeedProofs } from './feeds/feed-proofs.ts'
import { FeedReader } from './feeds/feed-reader.ts'
import { FeedStates } from './feeds/feed-states.ts'
import { checkNote, feedsNote, noteInFeeds, noteInStore, storeNote } from './journal/generations.ts'
import { GrowthWatchers } from './feeds/growth-watchers.ts'
import type { HypercoreLogParts } from './hypercore-log.ts'
import { rebuildFromFeeds, repairFromJournal } from './store/index-repair.ts'
import { Journal, type JournalledBlock } from './journal/journal.ts'
import { diskFiles, type JournalFiles } from './journal/journal-files.ts'
import { keyPairOf } from './key-pair.ts'
import { StoredMessageIndex } from './store/message-index.ts'
import { EpochFolder } from './feeds/epoch-folder.ts'
import { ModuleFolder } from './store/module-folder.ts'
import { OpenFeeds } from './feeds/open-feeds.ts'
import { ProcessDirectory } from './store/process-directory.ts'
import { recover } from './journal/recovery.ts'
import { Replication } from './feeds/replication.ts'
import { ReplicaIndex } from './store/replica-index.ts'
import { RocksStore } from './store/rocks-store.ts'
import { SegmentKeeper } from './journal/segment-keeper.ts'
import { StoredTrees } from './feeds/stored-trees.ts'
import { WriteBehind } from './feeds/write-behind.ts'

/** How far opening has come; `done` of `total` things of that phase. */
export interface OpenProgress {
  readonly phase: 'journal' | 'index'
  readonly done: number
  readonly total: number
}

export interface OpenLogOptions {
  /** Absolute; made if it is not there. */
  readonly directory: string
  /** Ed25519 seed of this node, 32 bytes: signs the feeds of which it is the signer. */
  readonly keySeed: Uint8Array
  readonly onProgress?: ((progress: OpenProgress) => void) | undefined
  /** Hears of a module whose file was damaged, and is removed. */
  readonly onDamagedModule?: ((id: ModuleId) => void) | undefined
  /** The operator says that this copy may be written to: no other was, since it was taken. */
  readonly acceptRestored?: boolean | undefined
  /** A copy may be opened: whoever opens it asks others what it misses before it has anything committed (`restored`). */
  readonly asksOthers?: boolean | undefined
  /** The disk below the journal. */
  readonly files?: JournalFiles | undefined
  readonly segmentBytes?: number | undefined
  readonly writeBehindMaxBytes?: number | undefined
  readonly openFeedsMax?: number | undefined
  readonly feedsKnownMax?: number | undefined
  readonly feedsReplicatedMax?: number | undefined
}

/** What was opened so far, to be closed if the next thing fails. */
class Opened {
  readonly #closers: (() => Promise<unknown>)[] = []

  keep<T extends AsyncDisposable>(resource: T): T {
    this.#closers.push(() => Promise.resolve(resource[Symbol.asyncDispose]()))
    return resource
  }

  keepBy<T>(resource: T, close: (resource: T) => Promise<unknown>): T {
    this.#closers.push(() => close(resource))
    return resource
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close().catch(() => undefined)
  }
}

/** Opens and repairs everything, or nothing. @throws {Failure} see `HypercoreLog.open` */
export async function openLog(options: OpenLogOptions): Promise<HypercoreLogParts> {
  const files = options.files ?? diskFiles
  const { directory, acceptRestored, asksOthers } = options
  const copies = acceptRestored === true ? 'accept' : asksOthers === true ? 'ask' : 'refuse'
  const folder = await openDataFolder(files, directory, copies)
  const opened = new Opened()
  try {
    return await openParts(options, files, folder, opened)
  } catch (error) {
    await opened.closeAll()
    throw error
  }
}

async function openParts(
  options: OpenLogOptions,
  files: JournalFiles,
  folder: DataFolder,
  opened: Opened,
): Promise<HypercoreLogParts> {
  const keyPair = keyPairOf(options.keySeed)
  const nodeKey = asKeyId(toBase64Url(keyPair.publicKey))
  // The databases come first: they hold the locks that keep a second node out of the journal.
  const store = opened.keep(await RocksStore.open(folder.store))
  const feeds = opened.keep(
    await OpenFeeds.open({
      folder: folder.feeds,
      keyPair,
      openMax: options.openFeedsMax ?? OPEN_FEEDS_MAX,
    }),
  )
  const journal = opened.keep(
    await Journal.open({
      files,
      folder: folder.journal,
      folderId: folder.id,
      segmentBytes: options.segmentBytes ?? JOURNAL_SEGMENT_BYTES,
    }),
  )
  const notes = { feeds: await feedsNote(feeds), store: await storeNote(store) }
  checkNote('feeds', notes.feeds, journal.found)
  // Without a note the store is new, or its folder was removed to have it rebuilt.
  if (notes.store !== undefined) checkNote('store', notes.store, journal.found)

  const processes = opened.keepBy(await ProcessDirectory.open(feeds), it => it.close())
  const messages = opened.keepBy(new StoredMessageIndex(store), it => it.close())
  const modules = await ModuleFolder.open(files, folder.modules, { onDamaged: options.onDamagedModule })
  const epochs = await EpochFolder.open(files, folder.epochs)
  const bare = { options, files, feeds, journal, store, processes, messages, nodeKey, keyPair }
  const journalled = journal.takeBlocks()
  const running = await startWriting(bare, journalled, opened)
  const settled = (): Promise<void> => store.settled()
  if (notes.store === undefined) {
    const onProgress = report(options, 'index')
    const stateOf = running.states.of.bind(running.states)
    await rebuildFromFeeds({ feeds, messages, directory: processes, epochs, settled, stateOf, onProgress })
    await messages.flush()
    noteInStore(store, notes.feeds ?? 0)
    await store.sync()
  }
  const replicaIndex = new ReplicaIndex(messages)
  await replicaIndex.repair({ store, feeds, epochs, stateOf: running.states.of.bind(running.states) })
  const recovered = journalled.flatMap(({ block }) => (block.feed.kind === 'messages' ? block : []))
  await repairFromJournal(recovered, { messages, directory: processes, epochs, settled })
  if (notes.feeds === undefined) await noteInFeeds(feeds, 0)
  // A full disk does not keep anybody from reading; the first commit tries again.
  await journal.rotate().catch(error => {
    if (!Failure.is(error, 'disk-full')) throw error
  })
  // The databases made their folders themselves.
  for (const path of [options.directory, folder.feeds]) await files.syncFolder(path)
  running.keeper.look()
  const watchers = new GrowthWatchers()
  return {
    ...running,
    watchers,
    replication: new Replication({
      ...running,
      feeds,
      watchers,
      length: state => running.reader.length(state),
      askedMax: options.feedsReplicatedMax ?? FEEDS_REPLICATED_MAX,
    }),
    replicaIndex,
    feeds,
    journal,
    store,
    processes,
    messages,
    folder: options.directory,
    restored: folder.restored,
    directory: directoryOf(processes, modules, epochs),
    recovered,
  }
}

interface BareParts {
  readonly options: OpenLogOptions
  readonly feeds: OpenFeeds
  readonly journal: Journal
  readonly store: RocksStore
  readonly processes: ProcessDirectory
  readonly messages: StoredMessageIndex
  readonly nodeKey: KeyId
  readonly keyPair: HypercoreKeyPair
}

async function startWriting(
  { options, feeds, journal, store, processes, messages, nodeKey, keyPair }: BareParts,
  journalled: readonly JournalledBlock[],
  opened: Opened,
): Promise<Pick<HypercoreLogParts, 'states' | 'reader' | 'trees' | 'proofs' | 'behind' | 'keeper'>> {
  const states = new FeedStates({
    nodeKey,
    max: options.feedsKnownMax ?? FEEDS_KNOWN_MAX,
    retired: state => feeds.forget(state),
  })
  const settle = async (generation: number): Promise<void> => {
    await messages.flush()
    await processes.flush()
    await noteInFeeds(feeds, generation)
    noteInStore(store, generation)
    await store.sync()
    await feeds.sync()
  }
  let keeper: SegmentKeeper | undefined
  const early: { generation: number; blocks: number }[] = []
  const carried = new CarriedBlocks({
    journal,
    released: (generation, blocks) => keeper?.appended(generation, blocks),
  })
  const behind = opened.keep(
    new WriteBehind({
      feeds,
      maxBytes: options.writeBehindMaxBytes ?? WRITE_BEHIND_MAX_BYTES,
      stored: () => store.flush(),
      onAppended: (generation, blocks) => {
        states.forgetSome()
        if (generation === 0) return
        if (keeper === undefined) early.push({ generation, blocks })
        else keeper.appended(generation, blocks)
      },
      onLeft: (state, from, blocks) => void carried.left(state.name, from, blocks),
      onReopened: () => processes.reopen(),
    }),
  )
  const onProgress = report(options, 'journal')
  const stateOf = ({ feed }: { feed: Parameters<FeedStates['of']>[0] }) => states.of(feed)
  const outstanding = await recover(journalled, { feeds, behind, carried, stateOf, onProgress })
  keeper = new SegmentKeeper({ journal, settle }, outstanding)
  journal.carry(carried)
  for (const { generation, blocks } of early) keeper.appended(generation, blocks)
  const reader = new FeedReader({ feeds, states })
  const trees = new StoredTrees({ feeds, states, behind })
  const proofs = new FeedProofs({ feeds, behind, trees, reader, keyPair })
  return { states, reader, trees, proofs, behind, keeper }
}

function directoryOf(processes: ProcessDirectory, modules: ModuleFolder, epochs: EpochFolder): Directory {
  return {
    addProcess: (description, spawnEnvelope) => processes.addProcess(description, spawnEnvelope),
    written: ids => processes.written(ids),
    process: async id => epochs.present(await processes.process(id)),
    processAtHand: id => epochs.present(processes.processAtHand(id)),
    addEpoch: (process, item) => epochs.add(process, item),
    epochItems: process => epochs.itemsOf(process),
    get handedOver() {
      return epochs.processes
    },
    spawnEnvelope: id => processes.spawnEnvelope(id),
    processes: async options => (await processes.processes(options)).map(spawned => epochs.present(spawned)),
    addModule: item => modules.addModule(item),
    module: id => modules.module(id),
    moduleItem: id => modules.moduleItem(id),
    modules: options => Promise.resolve(modules.modules(options)),
  }
}

function report(options: OpenLogOptions, phase: OpenProgress['phase']): (done: number, total: number) => void {
  return (done, total) => options.onProgress?.({ phase, done, total })
}
