import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AoWorld } from './ao-world.ts'
import { call, pick } from './fake-node.ts'
import { tags } from '../../fakes/guest-context.ts'

const TEST_MS = 60_000
let world: AoWorld

beforeAll(async () => {
  world = await AoWorld.open()
}, TEST_MS)
afterAll(() => world[Symbol.asyncDispose]())

/** Sends and waits until all that it causes is done. */
async function sendAll(process: string, data: string, ...pairs: readonly string[]): Promise<Record<string, unknown>> {
  const { id, result } = await world.send(process, data, ...pairs)
  await world.settled(id)
  return result
}

const messageTag = (message: unknown, name: string): unknown => {
  const all = pick(message, ['Tags'])
  const found = Array.isArray(all) ? (all as unknown[]).find((tag) => pick(tag, ['name']) === name) : undefined
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
  test('answers Info and Balance, mints for its owner alone, and moves what is there', { timeout: TEST_MS }, async () => {
    const token = await world.spawn()
    await world.lua(token, TOKEN)
    const info = await world.ao.dryrun({ process: token, tags: tags('Action', 'Info') })
    expect(messageTag(pick(info, ['Messages', 0]), 'Ticker')).toBe('SHL')
    const minted = await sendAll(token, '', 'Action', 'Mint', 'Quantity', '100')
    expect(messageTag(pick(minted, ['Messages', 0]), 'Action')).toBe('Mint-Notice')
    const thief = await world.ao.message({ process: token, tags: tags('Action', 'Mint', 'Quantity', '9'), signer: world.otherSigner() })
    const refused = await world.ao.result({ process: token, message: thief })
    expect(messageTag(pick(refused, ['Messages', 0]), 'Action')).toBe('Mint-Error')
    const receiver = world.node.key
    const moved = await sendAll(token, '', 'Action', 'Transfer', 'Recipient', receiver, 'Quantity', '30')
    expect((pick(moved, ['Messages']) as unknown[]).map((message) => messageTag(message, 'Action'))).toEqual(['Debit-Notice', 'Credit-Notice'])
    const missing = await sendAll(token, '', 'Action', 'Transfer', 'Recipient', receiver, 'Quantity', '71')
    expect(messageTag(pick(missing, ['Messages', 0]), 'Action')).toBe('Transfer-Error')
    const balance = await world.ao.dryrun({ process: token, tags: tags('Action', 'Balance', 'Recipient', receiver) })
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
    await sendAll(token, '', 'Action', 'Mint', 'Quantity', '10')
    await sendAll(token, '', 'Action', 'Transfer', 'Recipient', payer, 'Quantity', '10')
    await sendAll(payer, `Send({ Target = "${token}", Action = "Transfer", Recipient = "${payee}", Quantity = "4" })`, 'Action', 'Eval')
    const notices = 'return table.concat(Notices, "; ")'
    expect(await world.lua(payer, notices)).toMatch(new RegExp(`^Credit-Notice 10 true [\\w-]{43}; Debit-Notice 4 true ${payee}$`))
    expect(await world.lua(payee, notices)).toBe(`Credit-Notice 4 true ${payer}`)
  })
})

describe('processes of aos', () => {
  test('talk in a chat room', { timeout: TEST_MS }, async () => {
    const [room, ann, bob] = [await world.spawn(), await world.spawn(), await world.spawn()]
    await world.lua(room, `Members = {}
      Handlers.add("register", "Register", function (m) table.insert(Members, m.From); m.reply({ Data = "registered" }) end)
      Handlers.add("broadcast", "Broadcast", function (m)
        for _, member in ipairs(Members) do
          Send({ Target = member, Action = "Broadcast-Notice", Data = m.Data, Broadcaster = m.From })
        end
      end)`)
    for (const member of [ann, bob]) {
      await world.lua(member, 'Heard = {}; Handlers.add("hear", "Broadcast-Notice", function (m) table.insert(Heard, m.Broadcaster .. ": " .. m.Data) end)')
      await sendAll(member, `Send({ Target = "${room}", Action = "Register" })`, 'Action', 'Eval')
    }
    await sendAll(ann, `Send({ Target = "${room}", Action = "Broadcast", Data = "hi all" })`, 'Action', 'Eval')
    for (const member of [ann, bob]) expect(await world.lua(member, 'return table.concat(Heard, "|")')).toBe(`${ann}: hi all`)
  })

  test('see who sent, for whom, and in whose name', { timeout: TEST_MS }, async () => {
    const [asker, teller] = [await world.spawn(), await world.spawn()]
    const show = 'Handlers.add("show", "Show", function (m) Shown = table.concat({ m.From, m.Owner, m.Tags["From-Process"], m.Tags["From-Module"], m.Tags["Pushed-For"], m["Forwarded-By"] }, " ") end)'
    await world.lua(teller, show)
    const { id } = await world.send(asker, `Send({ Target = "${teller}", Action = "Show", ["From-Process"] = "forged" })`, 'Action', 'Eval')
    await world.settled(id)
    const { key } = world.node
    expect(await world.lua(teller, 'return Shown')).toBe([asker, key, asker, world.modules.aos32, id, key].join(' '))
    const entry = await call(`${world.url}/su/${teller}?from-nonce=1&to-nonce=2`)
    const message = entry.at('edges', 0, 'node', 'message')
    expect(pick(message, ['owner', 'address'])).toBe(key)
    expect(pick(message, ['tags'])).toEqual(expect.arrayContaining([
      { name: 'From-Process', value: asker },
      { name: 'From-Module', value: world.modules.aos32 },
      { name: 'Pushed-For', value: id },
    ]))
    const found = await world.ao.result({ process: teller, message: String(pick(message, ['id'])) })
    expect(found['Error']).toBeUndefined()
  })

  test('trust no process unless they name its authority, and start no storm over it', { timeout: TEST_MS }, async () => {
    const [sender, wary] = [await world.spawn(), await world.spawn({ authority: false })]
    await world.lua(wary, 'Handlers.add("ping", "Ping", function (m) Pinged = true; m.reply({ Action = "Pong" }) end)')
    await world.lua(sender, 'Handlers.add("pong", "Pong", function () Ponged = true end)')
    await sendAll(sender, `Send({ Target = "${wary}", Action = "Ping" })`, 'Action', 'Eval')
    expect(await world.lua(wary, 'return tostring(Pinged)')).toBe('nil')
    expect(await world.lua(sender, 'return tostring(Ponged)')).toBe('nil')
  })

  test('wait for an answer in the middle of a handler', { timeout: TEST_MS }, async () => {
    const [asker, teller] = [await world.spawn(), await world.spawn()]
    await world.lua(teller, 'Handlers.add("question", "Question", function (m) m.reply({ Data = m.Data .. " is 42" }) end)')
    await world.lua(asker, `Handlers.add("ask", "Ask", function (m)
      local answer = Send({ Target = "${teller}", Action = "Question", Data = m.Data }).receive()
      local again = Send({ Target = "${teller}", Action = "Question", Data = answer.Data }).receive()
      Answer = again.Data
    end)`)
    await sendAll(asker, 'six by seven', 'Action', 'Ask')
    expect(await world.lua(asker, 'return Answer')).toBe('six by seven is 42 is 42')
  })

  test('spawn children, hear of them, and rule them', { timeout: TEST_MS }, async () => {
    const parent = await world.spawn()
    await world.lua(parent, 'Handlers.add("spawned", "Spawned", function (m) Child = m.Process or m.Tags.Process end)')
    await sendAll(parent, 'Spawn(ao.env.Module.Id, { Tags = { Authority = ao.authorities[1], Name = "child" }, Data = "born" })', 'Action', 'Eval')
    const child = await world.lua(parent, 'return Child')
    expect(child).toMatch(/^[\w-]{43}$/)
    const described = await call(`${world.url}/su/processes/${child}`)
    expect(described.at('process_id')).toBe(child)
    expect(described.at('tags')).toEqual(expect.arrayContaining([
      { name: 'Type', value: 'Process' },
      { name: 'Name', value: 'child' },
      { name: 'From-Process', value: parent },
      { name: 'Scheduler', value: world.node.key },
    ]))
    await sendAll(parent, `Send({ Target = "${child}", Action = "Eval", Data = "Handlers.add('hi', 'Hi', function (m) m.reply({ Data = Owner }) end)" })`, 'Action', 'Eval')
    const hi = await world.ao.dryrun({ process: child, tags: tags('Action', 'Hi') })
    expect(pick(hi, ['Messages', 0, 'Data'])).toBe(parent)
  })

  test('have messages stand in other processes that take them', { timeout: TEST_MS }, async () => {
    const [giver, taker] = [await world.spawn(), await world.spawn()]
    await world.lua(taker, 'ao.addAssignable("news", { Action = "News" }); Handlers.prepend("news", "News", function (m) News = m.Data .. " " .. tostring(m.Target == ao.id) end)')
    await world.lua(giver, `Handlers.add("news", "News", function (m) Assign({ Message = m.Id, Processes = { "${taker}" } }) end)`)
    await sendAll(giver, 'rain', 'Action', 'News')
    const heard = await world.eventually('the assigned message', async () => {
      const news = await world.lua(taker, 'return tostring(News)')
      return news === 'nil' ? undefined : news
    })
    expect(heard).toBe('rain false')
  })

  test('evaluate their data on boot if asked', { timeout: TEST_MS }, async () => {
    const { ao, modules, node, signer } = world
    const all = tags('Authority', node.key, 'On-Boot', 'Data')
    const process = await ao.spawn({ module: modules.aos64, scheduler: node.key, signer, tags: all, data: 'Booted = "yes"' })
    expect(await world.lua(process, 'return tostring(Booted)')).toBe('yes')
  })
})

describe('crons', () => {
  test('tick while they are monitored, and are listed as crons', { timeout: TEST_MS }, async () => {
    const { ao, signer, url } = world
    const process = await world.spawn({ pairs: ['Cron-Interval', '1-second', 'Cron-Tag-Action', 'Tick'] })
    await world.lua(process, 'Ticks = 0; Handlers.add("tick", "Tick", function (m) Ticks = Ticks + 1; Last = tostring(m.Cron) .. " " .. tostring(m.From == Owner) end)')
    const crons = async () => (await call(`${url}/cu/cron/${process}`)).at('edges')
    const count = (edges: unknown): number => (Array.isArray(edges) ? edges.length : 0)
    await new Promise((resolve) => setTimeout(resolve, 2500))
    expect(await crons()).toEqual([])
    await ao.monitor({ process, signer })
    await world.eventually('two ticks', async () => (count(await crons()) >= 2 ? true : undefined))
    await ao.unmonitor({ process, signer })
    const edges = await world.eventually('the end of ticks', async () => {
      const before = await crons()
      await new Promise((resolve) => setTimeout(resolve, 2500))
      const after = await crons()
      return count(before) === count(after) ? after : undefined
    })
    const cursor: unknown = JSON.parse(atob(String(pick(edges, [0, 'cursor']))))
    expect(pick(cursor, ['cron'])).toBe('0-1-second')
    expect(Number(await world.lua(process, 'return Ticks'))).toBe(count(edges))
    expect(await world.lua(process, 'return Last')).toBe('true true')
  })
})
