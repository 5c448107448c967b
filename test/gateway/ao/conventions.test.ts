import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AoWorld } from './ao-world.ts'
import { call, pick } from './http-call.ts'
import { tags } from '../../fakes/guest-context.ts'

const TEST_MS = 180_000
let world: AoWorld

beforeAll(async () => {
  world = await AoWorld.open()
}, TEST_MS)
afterAll(() => world[Symbol.asyncDispose]())

describe('processes of aos', () => {
  test('talk in a chat room', { timeout: TEST_MS }, async () => {
    const [room, ann, bob] = [await world.spawn(), await world.spawn(), await world.spawn()]
    await world.lua(
      room,
      `Members = {}
      Handlers.add("register", "Register", function (m) table.insert(Members, m.From); m.reply({ Data = "registered" }) end)
      Handlers.add("broadcast", "Broadcast", function (m)
        for _, member in ipairs(Members) do
          Send({ Target = member, Action = "Broadcast-Notice", Data = m.Data, Broadcaster = m.From })
        end
      end)`,
    )
    for (const member of [ann, bob]) {
      await world.lua(
        member,
        'Heard = {}; Handlers.add("hear", "Broadcast-Notice", function (m) table.insert(Heard, m.Broadcaster .. ": " .. m.Data) end)',
      )
      await world.sendAll(member, `Send({ Target = "${room}", Action = "Register" })`, 'Action', 'Eval')
    }
    await world.sendAll(ann, `Send({ Target = "${room}", Action = "Broadcast", Data = "hi all" })`, 'Action', 'Eval')
    for (const member of [ann, bob])
      expect(await world.lua(member, 'return table.concat(Heard, "|")')).toBe(`${ann}: hi all`)
  })

  test('see who sent, for whom, and in whose name', { timeout: TEST_MS }, async () => {
    const [asker, teller] = [await world.spawn(), await world.spawn()]
    const show =
      'Handlers.add("show", "Show", function (m) Shown = table.concat({ m.From, m.Owner, m.Tags["From-Process"], m.Tags["From-Module"], m.Tags["Pushed-For"], m["Forwarded-By"] }, " ") end)'
    await world.lua(teller, show)
    const { id } = await world.send(
      asker,
      `Send({ Target = "${teller}", Action = "Show", ["From-Process"] = "forged" })`,
      'Action',
      'Eval',
    )
    await world.settled(id)
    const { key } = world.node
    expect(await world.lua(teller, 'return Shown')).toBe([asker, key, asker, world.modules.aos32, id, key].join(' '))
    const entry = await call(`${world.url}/su/${teller}?from-nonce=1&to-nonce=2`)
    const message = entry.at('edges', 0, 'node', 'message')
    expect(pick(message, ['owner', 'address'])).toBe(key)
    expect(pick(message, ['tags'])).toEqual(
      expect.arrayContaining([
        { name: 'From-Process', value: asker },
        { name: 'From-Module', value: world.modules.aos32 },
        { name: 'Pushed-For', value: id },
      ]),
    )
    const found = await world.ao.result({ process: teller, message: String(pick(message, ['id'])) })
    expect(found['Error']).toBeUndefined()
  })

  test('trust no process unless they name its authority, and start no storm over it', {
    timeout: TEST_MS,
  }, async () => {
    const [sender, wary] = [await world.spawn(), await world.spawn({ authority: false })]
    await world.lua(wary, 'Handlers.add("ping", "Ping", function (m) Pinged = true; m.reply({ Action = "Pong" }) end)')
    await world.lua(sender, 'Handlers.add("pong", "Pong", function () Ponged = true end)')
    await world.sendAll(sender, `Send({ Target = "${wary}", Action = "Ping" })`, 'Action', 'Eval')
    expect(await world.lua(wary, 'return tostring(Pinged)')).toBe('nil')
    expect(await world.lua(sender, 'return tostring(Ponged)')).toBe('nil')
  })

  test('wait for an answer in the middle of a handler', { timeout: TEST_MS }, async () => {
    const [asker, teller] = [await world.spawn(), await world.spawn()]
    await world.lua(
      teller,
      'Handlers.add("question", "Question", function (m) m.reply({ Data = m.Data .. " is 42" }) end)',
    )
    await world.lua(
      asker,
      `Handlers.add("ask", "Ask", function (m)
      local answer = Send({ Target = "${teller}", Action = "Question", Data = m.Data }).receive()
      local again = Send({ Target = "${teller}", Action = "Question", Data = answer.Data }).receive()
      Answer = again.Data
    end)`,
    )
    await world.sendAll(asker, 'six by seven', 'Action', 'Ask')
    expect(await world.lua(asker, 'return Answer')).toBe('six by seven is 42 is 42')
  })

  test('spawn children, hear of them, and rule them', { timeout: TEST_MS }, async () => {
    const parent = await world.spawn()
    await world.lua(parent, 'Handlers.add("spawned", "Spawned", function (m) Child = m.Process or m.Tags.Process end)')
    await world.sendAll(
      parent,
      'Spawn(ao.env.Module.Id, { Tags = { Authority = ao.authorities[1], Name = "child" }, Data = "born" })',
      'Action',
      'Eval',
    )
    const child = await world.lua(parent, 'return Child')
    expect(child).toMatch(/^[\w-]{43}$/)
    const described = await call(`${world.url}/su/processes/${child}`)
    expect(described.at('process_id')).toBe(child)
    expect(described.at('tags')).toEqual(
      expect.arrayContaining([
        { name: 'Type', value: 'Process' },
        { name: 'Name', value: 'child' },
        { name: 'From-Process', value: parent },
        { name: 'Scheduler', value: world.node.key },
      ]),
    )
    await world.sendAll(
      parent,
      `Send({ Target = "${child}", Action = "Eval", Data = "Handlers.add('hi', 'Hi', function (m) m.reply({ Data = Owner }) end)" })`,
      'Action',
      'Eval',
    )
    const hi = await world.ao.dryrun({ process: child, tags: tags('Action', 'Hi') })
    expect(pick(hi, ['Messages', 0, 'Data'])).toBe(parent)
  })

  test('have messages stand in other processes that take them', { timeout: TEST_MS }, async () => {
    const [giver, taker] = [await world.spawn(), await world.spawn()]
    await world.lua(
      taker,
      'ao.addAssignable("news", { Action = "News" }); Handlers.prepend("news", "News", function (m) News = m.Data .. " " .. tostring(m.Target == ao.id) end)',
    )
    await world.lua(
      giver,
      `Handlers.add("news", "News", function (m) Assign({ Message = m.Id, Processes = { "${taker}" } }) end)`,
    )
    await world.sendAll(giver, 'rain', 'Action', 'News')
    const heard = await world.eventually('the assigned message', async () => {
      const news = await world.lua(taker, 'return tostring(News)')
      return news === 'nil' ? undefined : news
    })
    expect(heard).toBe('rain false')
  })

  test('evaluate their data on boot if asked', { timeout: TEST_MS }, async () => {
    const { ao, modules, node, signer } = world
    const all = tags('Authority', node.key, 'On-Boot', 'Data')
    const process = await ao.spawn({
      module: modules.aos64,
      scheduler: node.key,
      signer,
      tags: all,
      data: 'Booted = "yes"',
    })
    expect(await world.lua(process, 'return tostring(Booted)')).toBe('yes')
  })

  test('publishes state as HyperBEAM’s cookbook says, which is then read over HTTP', { timeout: TEST_MS }, async () => {
    const process = await world.spawn({ module: world.modules.aos64 })
    await world.lua(
      process,
      `Balances = { ann = 100 }
       Send({ device = 'patch@1.0', balances = Balances, zone = require('json').encode({ Name = "z" }) })
       Handlers.add("Pay", "Pay", function (msg)
         Balances[msg.To] = (Balances[msg.To] or 0) + tonumber(msg.Quantity)
         Send({ Target = ao.id, device = 'patch@1.0', balances = { [msg.To] = Balances[msg.To] } })
       end)
       return "published"`,
    )
    await world.sendAll(process, '', 'Action', 'Pay', 'To', 'bob', 'Quantity', '7')
    const read = async (path: string) => (await fetch(`${world.url}/${process}~process@1.0/${path}`)).json()
    expect(await read('now/balances')).toEqual({ ann: 100, bob: 7 })
    expect(await read('compute/zone')).toEqual({ Name: 'z' })
    expect(await read('compute/balances/bob/serialize~json@1.0')).toEqual({ body: 7 })
  })
})
