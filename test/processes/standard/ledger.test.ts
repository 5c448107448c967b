import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import { fromUtf8 } from '../../../protocol/index.ts'
import { dataOf, StandardDriver, sentTag } from './standard-driver.ts'

const LARGEST = '9'.repeat(76)

let ledger: StandardDriver
beforeEach(async () => {
  ledger = await StandardDriver.spawn('ledger', 'ann', 'Ticker', 'PNT', 'Initial-Supply', '1000')
})

const balanceOf = (account: string, of = ledger) => of.send('anyone', 'Balance', 'Recipient', account).output

function sumOfBalances(of: StandardDriver): bigint {
  let sum = 0n
  for (const [key, value] of of.cells.values) {
    if (key.startsWith('balance:')) sum += BigInt(fromUtf8(value))
  }
  return sum
}

const supplyOf = (of: StandardDriver) => BigInt(of.send('anyone', 'Total-Supply').output)

it('tells what token it is', () => {
  const { sent, output } = ledger.send('bob', 'Info')
  expect(output).toBe('Token')
  expect(sent).toHaveLength(1)
  expect(sent[0]?.to).toBe('bob')
  expect(sentTag(sent[0], 'Ticker')).toBe('PNT')
  expect(sentTag(sent[0], 'Denomination')).toBe('12')
})

it('tells the balance of an account, or of the sender', () => {
  const { output, sent } = ledger.send('ann', 'Balance')
  expect(output).toBe('1000')
  expect(sentTag(sent[0], 'Balance')).toBe('1000')
  expect(sentTag(sent[0], 'Account')).toBe('ann')
  expect(ledger.send('bob', 'Balance').output).toBe('0')
  expect(ledger.send('bob', 'Balance', 'Target', 'ann').output).toBe('1000')
})

it('moves an amount and tells both sides, with the forwarded tags', () => {
  const { sent, output, ending } = ledger.send('ann', 'Transfer', 'Recipient', 'bob', 'Quantity', '300', 'X-Order', '7')
  expect(ending.status).toBe('ok')
  expect(output).toBe('You transferred 300 to bob')
  const [debit, credit] = sent
  expect(sent).toHaveLength(2)
  expect([debit?.to, sentTag(debit, 'Action')]).toEqual(['ann', 'Debit-Notice'])
  expect([sentTag(debit, 'Recipient'), sentTag(debit, 'Quantity'), sentTag(debit, 'X-Order')]).toEqual([
    'bob',
    '300',
    '7',
  ])
  expect([credit?.to, sentTag(credit, 'Action')]).toEqual(['bob', 'Credit-Notice'])
  expect([sentTag(credit, 'Sender'), sentTag(credit, 'Quantity'), sentTag(credit, 'X-Order')]).toEqual([
    'ann',
    '300',
    '7',
  ])
  expect([balanceOf('ann'), balanceOf('bob')]).toEqual(['700', '300'])
})

it('tells nobody of a transfer with Cast', () => {
  expect(ledger.send('ann', 'Transfer', 'Recipient', 'bob', 'Quantity', '1', 'Cast', 'true').sent).toEqual([])
  expect(balanceOf('bob')).toBe('1')
})

it('answers a reference, so that AO programs can match it', () => {
  const { sent } = ledger.push('process-id', 'Balance', 'Reference', '12')
  expect(sentTag(sent[0], 'X-Reference')).toBe('12')
})

it('tells the sender of a transfer that it cannot cover', () => {
  const { ending, sent } = ledger.send('bob', 'Transfer', 'Recipient', 'ann', 'Quantity', '1')
  expect(ending.status).toBe('ok')
  expect(sent).toHaveLength(1)
  expect([sent[0]?.to, sentTag(sent[0], 'Action')]).toEqual(['bob', 'Transfer-Error'])
  expect(sentTag(sent[0], 'Error')).toBe('Insufficient Balance!')
  expect(sentTag(sent[0], 'Message-Id')).toHaveLength(43)
  expect(balanceOf('ann')).toBe('1000')
})

it.each([
  [['Recipient', 'bob'], 'Quantity is required!'],
  [['Quantity', '1'], 'Recipient is required!'],
  [['Recipient', '', 'Quantity', '1'], 'Recipient must be an address'],
  [['Recipient', 'b"b', 'Quantity', '1'], 'Recipient must be an address'],
  [['Recipient', 'ö', 'Quantity', '1'], 'Recipient must be an address'],
  [['Recipient', 'b'.repeat(129), 'Quantity', '1'], 'Recipient must be an address'],
  [['Recipient', 'bob', 'Quantity', '0'], 'Quantity must be greater than 0'],
  [['Recipient', 'bob', 'Quantity', '000'], 'Quantity must be greater than 0'],
  [['Recipient', 'bob', 'Quantity', '-5'], 'Quantity must be greater than 0'],
  [['Recipient', 'bob', 'Quantity', ''], 'whole number'],
  [['Recipient', 'bob', 'Quantity', '1.5'], 'whole number'],
  [['Recipient', 'bob', 'Quantity', '1e3'], 'whole number'],
  [['Recipient', 'bob', 'Quantity', '0x10'], 'whole number'],
  [['Recipient', 'bob', 'Quantity', ' 5'], 'whole number'],
  [['Recipient', 'bob', 'Quantity', `1${LARGEST}`], 'whole number'],
])('refuses the transfer %j', (transferTags, reason) => {
  const { error } = ledger.send('ann', 'Transfer', ...transferTags)
  expect(error).toMatch(/^abort: /)
  expect(error).toContain(reason)
  expect([balanceOf('ann'), sumOfBalances(ledger)]).toEqual(['1000', 1000n])
})

it('mints for its spawner only', () => {
  const refused = ledger.send('bob', 'Mint', 'Quantity', '5')
  expect(sentTag(refused.sent[0], 'Action')).toBe('Mint-Error')
  expect(sentTag(refused.sent[0], 'Error')).toContain('PNT')
  expect(ledger.send('ann', 'Mint', 'Quantity', '5', 'Recipient', 'bob').ending.status).toBe('ok')
  expect([balanceOf('bob'), supplyOf(ledger)]).toEqual(['5', 1005n])
})

it('refuses to mint beyond the largest amount, and holds it', () => {
  const room = (10n ** 76n - 1n - 1000n).toString()
  expect(ledger.send('ann', 'Mint', 'Quantity', room).ending.status).toBe('ok')
  expect(balanceOf('ann')).toBe(LARGEST)
  const over = ledger.send('ann', 'Mint', 'Quantity', '1', 'Recipient', 'bob')
  expect(sentTag(over.sent[0], 'Action')).toBe('Mint-Error')
  expect(ledger.send('ann', 'Transfer', 'Recipient', 'bob', 'Quantity', LARGEST).ending.status).toBe('ok')
  expect([balanceOf('ann'), balanceOf('bob'), supplyOf(ledger).toString()]).toEqual(['0', LARGEST, LARGEST])
})

it('takes leading zeros for what they are', () => {
  ledger.send('ann', 'Transfer', 'Recipient', 'bob', 'Quantity', '0007')
  expect(balanceOf('bob')).toBe('7')
})

it('leaves the balance of one who sends to himself', () => {
  ledger.send('ann', 'Transfer', 'Recipient', 'ann', 'Quantity', '1000')
  expect([balanceOf('ann'), sumOfBalances(ledger)]).toEqual(['1000', 1000n])
})

it('gives all balances page by page, as JSON', () => {
  for (const name of ['bob', 'cy', 'dan']) ledger.send('ann', 'Transfer', 'Recipient', name, 'Quantity', '1')
  expect(JSON.parse(ledger.send('x', 'Balances').output)).toEqual({
    ann: '997',
    bob: '1',
    cy: '1',
    dan: '1',
  })
  const page = ledger.send('x', 'Balances', 'Limit', '2')
  expect(JSON.parse(page.output)).toEqual({ ann: '997', bob: '1' })
  const cursor = sentTag(page.sent[0], 'Cursor') ?? ''
  const rest = ledger.send('x', 'Balances', 'Limit', '3', 'Cursor', cursor)
  expect(JSON.parse(rest.output)).toEqual({ cy: '1', dan: '1' })
  expect(sentTag(rest.sent[0], 'Cursor')).toBeUndefined()
  for (const limit of ['0', '257', '99999', 'x', '-1']) {
    expect(ledger.send('x', 'Balances', 'Limit', limit).error).toMatch(/^abort/)
  }
})

it('takes notices of other ledgers without an answer', () => {
  const { ending, sent } = ledger.push('other', 'Credit-Notice', 'Quantity', '5', 'Sender', 'bob')
  expect([ending.status, sent.length]).toEqual(['ok', 0])
})

it('refuses a spawn with a supply that is no amount', async () => {
  await expect(StandardDriver.spawn('ledger', 'ann', 'Initial-Supply', '-1')).rejects.toThrow('Initial-Supply')
})

it('keeps the sum of balances equal to the supply, whatever is sent', async () => {
  const account = fc.constantFrom('ann', 'bob', 'cy', 'dan', '', 'no address!')
  const amount = fc.oneof(
    fc.bigInt({ min: -3n, max: 1200n }).map(String),
    fc.bigInt({ min: 0n, max: 10n ** 77n }).map(String),
    fc.string({ maxLength: 4 }),
  )
  const command = fc.record({
    action: fc.constantFrom('Transfer', 'Transfer', 'Transfer', 'Mint'),
    from: account,
    to: account,
    amount,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async commands => {
      const subject = await StandardDriver.spawn('ledger', 'ann', 'Initial-Supply', '1000')
      const model = new Map([['ann', 1000n]])
      for (const { action, from, to, amount: quantity } of commands) {
        const outcome = subject.deliver({
          from,
          tags: [
            { name: 'Action', value: action },
            { name: 'Recipient', value: to },
            { name: 'Quantity', value: quantity },
          ],
          data: dataOf('ignored'),
        })
        if (outcome.ending.status === 'error' || sentTag(outcome.sent[0], 'Error') !== undefined) continue
        const moved = BigInt(quantity)
        if (action === 'Transfer') model.set(from, (model.get(from) ?? 0n) - moved)
        model.set(to, (model.get(to) ?? 0n) + moved)
      }
      expect(sumOfBalances(subject)).toBe(supplyOf(subject))
      for (const [name, expected] of model) expect(balanceOf(name, subject)).toBe(expected.toString())
      for (const [key, value] of subject.cells.values) {
        if (key.startsWith('balance:')) expect(fromUtf8(value)).not.toBe('0')
      }
    }),
    { numRuns: 25 },
  )
})
