import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withNet } from 'atoll/testing'
import scraper from './scraper.process.ts'

let title = 'one'
const fetched = async () => ({ status: 200, headers: {}, body: `<title>${title}</title>` })

test(
  'a watched page is looked at every hour, and a change is told',
  withNet({ effects: { 'http.fetch': fetched } }, async net => {
    const watcher = await net.spawn(scraper, { args: { every: '1h' } })
    await watcher.watch({ url: 'https://example.org/' })
    await net.advance('90m')
    assert.deepEqual(
      (await watcher.pages()).map(({ title, checks }) => [title, checks]),
      [['one', 1]],
    )
    title = 'two'
    await net.advance('3h')
    assert.deepEqual(
      (await watcher.pages()).map(({ title, checks }) => [title, checks]),
      [['two', 4]],
    )
  }),
)
