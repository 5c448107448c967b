import { Failure, toUtf8 } from '../../protocol/index.ts'
import type { OpenFeeds } from '../feeds/open-feeds.ts'
import type { RocksStore } from '../store/rocks-store.ts'

/**
 * The last dropped segment of the journal, noted in both databases before it is dropped.
 *
 * 1. A database that notes n holds all of segments 1…n: the note was written after them.
 * 2. A segment goes only after both notes were fsynced. So the journal begins at note + 1 or earlier;
 *    else the database is older than the journal, and what lay between is lost.
 * 3. A newer segment is on disk before a note is written. So the journal ends after the note; else the
 *    journal is older than the database.
 */
const CORE_NAME = 'journal'
const CORE_KEY = 'generation'
const STORE_KEY = toUtf8('log/generation')

/** What the feeds note; nothing in a new folder. */
export async function feedsNote(feeds: OpenFeeds): Promise<number | undefined> {
  const core = await feeds.named(CORE_NAME)
  try {
    return decode((await core.getUserData(CORE_KEY)) ?? undefined)
  } finally {
    await core.close()
  }
}

/** What the store notes; nothing in a new one. */
export async function storeNote(store: RocksStore): Promise<number | undefined> {
  return decode(await store.get(STORE_KEY))
}

export async function noteInFeeds(feeds: OpenFeeds, generation: number): Promise<void> {
  const core = await feeds.named(CORE_NAME)
  try {
    await core.setUserData(CORE_KEY, encode(generation))
  } finally {
    await core.close()
  }
}

export function noteInStore(store: RocksStore, generation: number): void {
  store.write([{ key: STORE_KEY, value: encode(generation) }])
}

/**
 * Refuses a database that does not belong to this journal.
 * @throws {Failure} `data-folder-damaged`
 */
export function checkNote(what: 'feeds' | 'store', note: number | undefined, found: readonly number[]): void {
  const [first, last] = [found[0], found.at(-1)]
  if (first === undefined || last === undefined) {
    if (note === undefined) return
    throw new Failure('data-folder-damaged', { folder: 'journal', [what]: note }, { note: 'the journal is missing' })
  }
  const dropped = note ?? 0
  const details = { folder: what, dropped, first, last }
  if (dropped < first - 1) {
    throw new Failure('data-folder-damaged', details, { note: `${what} is older than the journal` })
  }
  if (dropped > last - 1) {
    throw new Failure('data-folder-damaged', details, { note: `the journal is older than ${what}` })
  }
}

function encode(generation: number): Uint8Array {
  return Buffer.from(String(generation))
}

function decode(value: Uint8Array | undefined): number | undefined {
  return value === undefined ? undefined : Number(Buffer.from(value).toString())
}
