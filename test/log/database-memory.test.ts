import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import RocksDB from 'rocksdb-native'
import { expect, test, vi } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { DATABASE_MEMORY, withDatabaseMemory } from '../../log/store/database-memory.ts'
import { RocksStore } from '../../log/store/rocks-store.ts'
import { NODE_SEED } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

/** What a RocksDB says in its folder of how it was opened: names and values, by column family. */
async function settingsOf(folder: string): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const newest =
    (await readdir(folder))
      .filter(name => name.startsWith('OPTIONS-'))
      .sort()
      .at(-1) ?? ''
  const families = new Map<string, Map<string, string>>()
  let family: Map<string, string> | undefined
  for (const line of (await readFile(join(folder, newest), 'utf8')).split('\n')) {
    const section = /^\[(?:CFOptions|TableOptions\/BlockBasedTable) "(.+)"\]$/.exec(line)
    if (section !== null) {
      family = families.get(section[1] ?? '') ?? new Map()
      families.set(section[1] ?? '', family)
    } else if (line.startsWith('[')) family = undefined
    const [name = '', value = ''] = line.trim().split('=')
    family?.set(name, value)
  }
  return families
}

const OURS = [
  ['write_buffer_size', String(DATABASE_MEMORY.writeBufferSize)],
  ['block_size', String(DATABASE_MEMORY.tableBlockSize)],
  ['cache_index_and_filter_blocks', 'false'],
]

test('the database of the Hypercores holds little in memory for what is on the disk', async () => {
  await using folder = await tempFolder()
  await using _log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const families = await settingsOf(join(folder.path, 'feeds', 'db'))
  expect([...families.keys()]).toEqual(['default', 'corestore'])
  for (const settings of families.values()) expect([...settings]).toEqual(expect.arrayContaining(OURS))
  // What hypercore-storage asks for itself stays.
  const own = [
    ['enable_blob_files', 'true'],
    ['min_blob_size', '4096'],
  ]
  const ours = ['optimize_filters_for_hits', 'true']
  expect([...(families.get('corestore') ?? [])]).toEqual(expect.arrayContaining([...own, ours]))
})

test('a column family that another takes the place of is given back', () => {
  const given = new RocksDB.ColumnFamily('corestore', {})
  const destroy = vi.spyOn(given, 'destroy')
  const ours = withDatabaseMemory(given)
  expect([ours.name, destroy.mock.calls.length]).toEqual(['corestore', 1])
  ours.destroy()
})

test('so does that of the store', async () => {
  await using folder = await tempFolder()
  await using _store = await RocksStore.open(folder.path)
  const settings = (await settingsOf(folder.path)).get('default') ?? []
  expect([...settings]).toEqual(expect.arrayContaining(OURS))
})
