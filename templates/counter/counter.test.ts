import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withNet } from 'atoll/testing'
import counter from './counter.process.ts'

test(
  'a counter counts, and forgets after an idle hour',
  withNet({}, async net => {
    const hits = await net.spawn(counter, { args: { start: 10 } })
    assert.equal(await hits.add({ by: 2 }), 12)
    assert.equal(await hits.total(), 12)
    await net.advance('2h') // no time passes here
    assert.equal(await hits.total(), 0)
  }),
)
