import { expect, test } from 'vitest'
import { keyPairOf } from '../../log/key-pair.ts'
import { OpenFeeds } from '../../log/feeds/open-feeds.ts'
import { ProcessDirectory } from '../../log/store/process-directory.ts'
import { FeedStates } from '../../log/feeds/feed-states.ts'
import { StoredTrees } from '../../log/feeds/stored-trees.ts'
import { WriteBehind } from '../../log/feeds/write-behind.ts'
import { asKeyId, Failure } from '../../protocol/index.ts'
import { messagesOf, NODE_SEED, spawnNamed } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

test('a process is added while the disk cannot be read, and is there once it can', async () => {
  await using folder = await tempFolder()
  const { description, envelope } = spawnNamed('p')
  {
    await using feeds = await OpenFeeds.open({
      folder: folder.path,
      keyPair: keyPairOf(NODE_SEED),
      openMax: 8,
    })
    const directory = await ProcessDirectory.open(feeds)
    await feeds.corestore.close()
    await expect(directory.process(description.id)).rejects.toBeInstanceOf(Failure)
    await directory.addProcess(description, envelope)
    expect(await directory.process(description.id)).toEqual(description)
    await feeds.reopen(new Failure('disk-full'))
    await directory.reopen()
    await directory.flush()
    await directory.close()
  }
  await using feeds = await OpenFeeds.open({
    folder: folder.path,
    keyPair: keyPairOf(NODE_SEED),
    openMax: 8,
  })
  const directory = await ProcessDirectory.open(feeds)
  expect(await directory.spawnEnvelope(description.id)).toEqual(envelope)
  await directory.close()
})

test('whoever reads a tree while feeds are opened anew hears why', async () => {
  await using folder = await tempFolder()
  await using feeds = await OpenFeeds.open({
    folder: folder.path,
    keyPair: keyPairOf(NODE_SEED),
    openMax: 8,
  })
  const states = new FeedStates({ nodeKey: asKeyId('A'.repeat(43)), max: 8, retired: () => undefined })
  const behind = new WriteBehind({
    feeds,
    maxBytes: 1,
    onAppended: () => undefined,
    stored: async () => undefined,
    onLeft: () => undefined,
    onReopened: async () => undefined,
  })
  const trees = new StoredTrees({ feeds, states, behind })
  await feeds.corestore.close()
  const nodes = () => trees.nodes(messagesOf('a'), [0])
  await expect(nodes()).rejects.toMatchObject({ code: 'disk-fault' })
  const opening = feeds.reopen(new Failure('disk-full'))
  await expect(nodes()).rejects.toMatchObject({ code: 'disk-full' })
  await opening
  expect(await nodes()).toEqual([undefined])
})
