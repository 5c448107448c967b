import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withNet } from 'atoll/testing'
import ledger from './ledger.process.ts'

const somebody = 'a'.repeat(43)

test(
  'what is given by one is had by the other, and no more than there is',
  withNet({}, async net => {
    const gold = await net.spawn(ledger, { args: { ticker: 'GLD', supply: 100 } })
    assert.deepEqual(await gold.transfer({ to: somebody, amount: 30 }), { balance: 70 })
    assert.equal(await gold.balance({ of: somebody }), 30)
    await assert.rejects(gold.transfer({ to: somebody, amount: 71 }), /insufficient-balance/)
    assert.deepEqual(await gold.info(), { ticker: 'GLD', supply: 100, holders: 2 })
  }),
)
