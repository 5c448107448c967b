import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AoWorld } from './ao-world.ts'
import { pick } from './http-call.ts'
import { tags } from '../../fakes/guest-context.ts'

const TEST_MS = 180_000
let world: AoWorld

beforeAll(async () => {
  world = await AoWorld.open()
}, TEST_MS)
afterAll(() => world[Symbol.asyncDispose]())

const messageTag = (message: unknown, name: string): unknown => {
  const all = pick(message, ['Tags'])
  const found = Array.isArray(all) ? (all as unknown[]).find(tag => pick(tag, ['name']) === name) : undefined
  return pick(found, ['value'])
}

const TOKEN = `
  Balances = Balances or {}
  local function move(m, from, to, quantity)
    local amount = tonumber(quantity)
    assert(amount and amount > 0 and amount % 1 == 0, "bad quantity")
    if (Balances[from] or 0) < amount then
      m.reply({ Action = "Transfer-Error", ["Message-Id"] = m.Id, Error = "Insufficient Balance!" })
      return
    end
    Balances[from] = Balances[from] - amount
    Balances[to] = (Balances[to] or 0) + amount
    m.reply({ Action = "Debit-Notice", Recipient = to, Quantity = quantity })
    Send({ Target = to, Action = "Credit-Notice", Sender = from, Quantity = quantity })
  end
  Handlers.add("info", "Info", function (m) m.reply({ Name = "Shell", Ticker = "SHL", Denomination = "0" }) end)
  Handlers.add("balance", "Balance", function (m)
    m.reply({ Balance = tostring(Balances[m.Tags.Recipient or m.From] or 0) })
  end)
  Handlers.add("transfer", "Transfer", function (m) move(m, m.From, m.Recipient, m.Quantity) end)
  Handlers.add("mint", "Mint", function (m)
    if m.From ~= Owner then m.reply({ Action = "Mint-Error", Error = "only the owner mints" }) return end
    Balances[m.From] = (Balances[m.From] or 0) + tonumber(m.Quantity)
    m.reply({ Action = "Mint-Notice", Quantity = m.Quantity })
  end)
  return "token"`

describe('a token in Lua', () => {
  test('answers Info and Balance, mints for its owner alone, and moves what is there', {
    timeout: TEST_MS,
  }, async () => {
    const token = await world.spawn()
    await world.lua(token, TOKEN)
    const info = await world.ao.dryrun({ process: token, tags: tags('Action', 'Info') })
    expect(messageTag(pick(info, ['Messages', 0]), 'Ticker')).toBe('SHL')
    const minted = await world.sendAll(token, '', 'Action', 'Mint', 'Quantity', '100')
    expect(messageTag(pick(minted, ['Messages', 0]), 'Action')).toBe('Mint-Notice')
    const thief = await world.ao.message({
      process: token,
      tags: tags('Action', 'Mint', 'Quantity', '9'),
      signer: world.otherSigner(),
    })
    const refused = await world.ao.result({ process: token, message: thief })
    expect(messageTag(pick(refused, ['Messages', 0]), 'Action')).toBe('Mint-Error')
    const receiver = world.node.key
    const moved = await world.sendAll(token, '', 'Action', 'Transfer', 'Recipient', receiver, 'Quantity', '30')
    expect((pick(moved, ['Messages']) as unknown[]).map(message => messageTag(message, 'Action'))).toEqual([
      'Debit-Notice',
      'Credit-Notice',
    ])
    const missing = await world.sendAll(token, '', 'Action', 'Transfer', 'Recipient', receiver, 'Quantity', '71')
    expect(messageTag(pick(missing, ['Messages', 0]), 'Action')).toBe('Transfer-Error')
    const balance = await world.ao.dryrun({
      process: token,
      tags: tags('Action', 'Balance', 'Recipient', receiver),
    })
    expect(messageTag(pick(balance, ['Messages', 0]), 'Balance')).toBe('30')
  })

  test('tells processes of debits and credits', { timeout: TEST_MS }, async () => {
    const [token, payer, payee] = [await world.spawn(), await world.spawn(), await world.spawn()]
    await world.lua(token, TOKEN)
    const keep = `Notices = {}
      for _, name in ipairs({ "Debit-Notice", "Credit-Notice" }) do
        Handlers.add(name, name, function (m)
          table.insert(Notices, name .. " " .. m.Quantity .. " " .. tostring(m.From == "${token}") .. " " .. tostring(m.Tags.Sender or m.Tags.Recipient))
        end)
      end`
    await world.lua(payer, keep)
    await world.lua(payee, keep)
    await world.sendAll(token, '', 'Action', 'Mint', 'Quantity', '10')
    await world.sendAll(token, '', 'Action', 'Transfer', 'Recipient', payer, 'Quantity', '10')
    await world.sendAll(
      payer,
      `Send({ Target = "${token}", Action = "Transfer", Recipient = "${payee}", Quantity = "4" })`,
      'Action',
      'Eval',
    )
    const notices = 'return table.concat(Notices, "; ")'
    expect(await world.lua(payer, notices)).toMatch(
      new RegExp(`^Credit-Notice 10 true [\\w-]{43}; Debit-Notice 4 true ${payee}$`),
    )
    expect(await world.lua(payee, notices)).toBe(`Credit-Notice 4 true ${payer}`)
  })
})
