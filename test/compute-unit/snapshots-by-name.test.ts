import { describe, expect, it } from 'vitest'
import { DOCUMENT_SIZE_MAX_BYTES, SNAPSHOTS_AUTOMATIC_MAX, SNAPSHOTS_MAX, toUtf8 } from '../../protocol/index.ts'
import { paper, Upgraded } from './upgraded.ts'
import { V1, LOUD, talked, wordsOf, snapshot, restore } from './talkers.ts'

describe('snapshots', () => {
  it('are kept by name and restored by name, any number of times', () => {
    const process = talked(V1, LOUD)
    expect(process.control(snapshot('two-words')).status).toBe('ok')
    process.send({ Action: 'Say' }, 'three')
    for (let times = 0; times < 2; times++) {
      expect(process.control(restore('two-words')).status).toBe('ok')
      expect(wordsOf(process)).toEqual(['spawned', 'one', 'two'])
      process.send({ Action: 'Say' }, 'again')
    }
    process.upgrade(2)
    process.control(restore('two-words'))
    expect(wordsOf(process)).toEqual(['SPAWNED', 'ONE', 'TWO'])
    expect(process.control(restore('absent')).error?.code).toBe('unknown-snapshot')
  })

  it('replace those of the same name, and are forgotten', () => {
    const process = talked(V1)
    process.control(snapshot('a'))
    process.send({ Action: 'Say' }, 'three')
    process.control(snapshot('a'))
    expect(process.process.lifecycle().snapshots).toHaveLength(1)
    expect(process.control({ action: 'Forget', name: 'a' }).status).toBe('ok')
    expect(process.control({ action: 'Forget', name: 'a' }).error?.code).toBe('unknown-snapshot')
    expect(process.snapshot().cells.filter(([key]) => key.startsWith('cd'))).toEqual([])
  })

  it('are as many as allowed, and no more', () => {
    const process = talked(V1)
    for (let at = 0; at < SNAPSHOTS_MAX; at++) expect(process.control(snapshot(`s${at}`)).status).toBe('ok')
    expect(process.control(snapshot('one-more')).error?.code).toBe('snapshot-limit')
    expect(process.control(snapshot('s3')).status).toBe('ok')
    expect(process.process.lifecycle().snapshots).toHaveLength(SNAPSHOTS_MAX)
  })

  it('that upgrades take push out the oldest of their kind only', () => {
    const process = talked(V1, paper(2, { version: '2' }))
    process.control(snapshot('mine'))
    for (let at = 0; at < 5; at++) process.upgrade(at % 2 === 0 ? 2 : 1)
    const { snapshots } = process.process.lifecycle()
    expect(snapshots.filter(one => one.isAutomatic)).toHaveLength(SNAPSHOTS_AUTOMATIC_MAX)
    expect(snapshots.filter(one => !one.isAutomatic).map(({ name }) => name)).toEqual(['mine'])
  })

  it('larger than a cell come back whole', () => {
    const process = new Upgraded([V1])
    process.spawn()
    const long = 'ä'.repeat(100_000)
    process.send({ Action: 'Say' }, long)
    process.control(snapshot('long'))
    process.send({ Action: 'Say' }, 'more')
    process.control(restore('long'))
    expect(wordsOf(process)).toEqual(['spawned', long])
  })

  it('larger than a document may be are refused', () => {
    const process = new Upgraded([V1])
    process.spawn()
    for (let at = 0; at < 9; at++) process.send({ Action: 'Say' }, 'x'.repeat(1_000_000))
    expect(9_000_000).toBeGreaterThan(DOCUMENT_SIZE_MAX_BYTES)
    const before = process.process.lifecycle()
    expect(process.control(snapshot('huge'))).toMatchObject({
      status: 'error',
      error: { code: 'output-limit' },
    })
    expect(process.process.lifecycle()).toEqual(before)
  })
})

describe('a document', () => {
  it('given as data takes the place of the state', () => {
    const source = talked(V1)
    const other = talked(V1)
    other.send({ Action: 'Say' }, 'mine')
    const result = other.control(restore(), 7, JSON.stringify(source.document))
    expect(result.status).toBe('ok')
    expect(other.document).toEqual(source.document)
  })

  it('that is none is an error, and nothing changes', () => {
    const process = talked(V1)
    const before = process.document
    for (const data of ['', 'no json', '[]', '7', '{"state":']) {
      expect(process.control(restore(), 7, data).error?.code, data).toBe('bad-document')
    }
    expect(process.document).toEqual(before)
  })

  it('is what a fork begins from, instead of its spawn message', () => {
    const source = talked(V1, LOUD)
    source.upgrade(2)
    const data = toUtf8(JSON.stringify(source.document))
    const fork = new Upgraded([LOUD, V1], { tags: { Restore: 'document', Name: 'fork' }, data })
    expect(fork.spawn().status).toBe('ok')
    expect(wordsOf(fork)).toEqual(['SPAWNED', 'ONE', 'TWO'])
    source.send({ Action: 'Say' }, 'only here')
    expect(wordsOf(fork)).toHaveLength(3)
  })
})
