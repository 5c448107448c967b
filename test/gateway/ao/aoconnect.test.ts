import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDataItem, ed25519Signer, secp256k1Signer, type Signer } from '../../../protocol/index.ts'
import { tags } from '../../fakes/guest-context.ts'
import { AoWorld } from './ao-world.ts'
import { findFault, type SeenAssignment } from './check-assignments.ts'
import { pick, post } from './http-call.ts'

const TEST_MS = 180_000
let world: AoWorld

beforeAll(async () => {
  world = await AoWorld.open()
}, TEST_MS)
afterAll(() => world[Symbol.asyncDispose]())

const ordinateOf = (cursor: string): unknown => pick(JSON.parse(atob(cursor)), ['ordinate'])

describe('unmodified aoconnect 0.0.98 in legacy mode', () => {
  for (const name of ['aos32', 'aos64'] as const) {
    test(`spawns ${name}, and evaluates what it is sent`, { timeout: TEST_MS }, async () => {
      const process = await world.spawn({ module: world.modules[name] })
      const boot = await world.ao.result({ process, message: process })
      expect(boot['Error']).toBeUndefined()
      expect(await world.lua(process, 'X = 41; return X + 1')).toBe('42')
      expect(await world.lua(process, 'return Owner')).toMatch(/^[\w-]{43}$/)
    })
  }

  test('is told of an error, which undoes its message alone', { timeout: TEST_MS }, async () => {
    const process = await world.spawn()
    await world.lua(process, 'X = 41')
    const { result } = await world.send(process, 'X = 7; error("boom")', 'Action', 'Eval')
    expect(JSON.stringify(result['Error'])).toContain('boom')
    expect(result['Messages']).toEqual([])
    expect(await world.lua(process, 'return X')).toBe('41')
  })

  test('pages results with cursors that tell slots, in both orders', {
    timeout: TEST_MS,
  }, async () => {
    const process = await world.spawn()
    for (let i = 1; i <= 5; i++) await world.lua(process, `return "r${i}"`)
    await world.send(process, 'error("left out")', 'Action', 'Eval')
    const all = await world.ao.results({ process, limit: 100 })
    expect(all.edges.map(({ cursor }) => ordinateOf(cursor))).toEqual(['0', '1', '2', '3', '4', '5'])
    const two = await world.ao.results({ process, limit: 2 })
    const rest = await world.ao.results({ process, from: two.edges[1]?.cursor ?? '' })
    expect([...two.edges, ...rest.edges]).toEqual(all.edges)
    const upTo = await world.ao.results({ process, to: all.edges[3]?.cursor ?? '' })
    expect(upTo.edges).toEqual(all.edges.slice(0, 4))
    const newest = await world.ao.results({ process, sort: 'DESC', limit: 2 })
    expect(newest.edges.map(({ node }) => node)).toEqual([all.edges[5]?.node, all.edges[4]?.node])
  })

  test('runs dry-runs on the latest state, and nothing stays', { timeout: TEST_MS }, async () => {
    const process = await world.spawn()
    await world.lua(
      process,
      'N = 0; Handlers.add("inc", "Inc", function (m) N = N + 1; m.reply({ Data = tostring(N), Who = m.From }) end)',
    )
    const dry = () => world.ao.dryrun({ process, tags: tags('Action', 'Inc'), data: 'x', Owner: 'somebody' })
    expect([pick(await dry(), ['Messages', 0, 'Data']), pick(await dry(), ['Messages', 0, 'Data'])]).toEqual(['1', '1'])
    await world.send(process, 'x', 'Action', 'Inc')
    const third = await dry()
    expect(pick(third, ['Messages', 0, 'Data'])).toBe('2')
    expect(pick(third, ['Messages', 0, 'Target'])).toBe('somebody')
    expect(await world.lua(process, 'return N')).toBe('1')
  })

  test('signs first and sends later; the same item twice has one slot', {
    timeout: TEST_MS,
  }, async () => {
    const process = await world.spawn()
    const signed = await world.ao.signMessage({
      process,
      data: 'K = (K or 0) + 1; return K',
      tags: tags('Action', 'Eval'),
      signer: world.signer,
    })
    expect(await world.ao.sendSignedMessage(signed)).toBe(signed.id)
    expect(await world.ao.sendSignedMessage(signed)).toBe(signed.id)
    await world.ao.result({ process, message: signed.id })
    expect(await world.ao.getLastSlot({ processId: process })).toBe('1')
    expect(await world.lua(process, 'return K')).toBe('1')
  })

  test('reads the feed: messages, one message, last slot, slot of a message', {
    timeout: TEST_MS,
  }, async () => {
    const process = await world.spawn()
    for (let i = 0; i < 3; i++) await world.lua(process, `return ${i}`)
    const page = await world.ao.getMessages({
      processId: process,
      from: '0',
      to: String(Date.now() + 1000),
    })
    const assignments = page.edges.map(edge => pick(edge, ['node', 'assignment']) as SeenAssignment)
    expect(assignments).toHaveLength(4)
    expect(findFault(process, assignments)).toBeUndefined()
    const last = page.edges.at(-1)
    const one = await world.ao.getMessageById({
      processId: process,
      messageId: String(pick(last, ['node', 'message', 'id'])),
    })
    expect(one).toEqual(last?.['node'])
    expect(await world.ao.getLastSlot({ processId: process })).toBe('3')
    const sent = await world.ao.message({
      process,
      data: 'return 1',
      tags: tags('Action', 'Eval'),
      signer: world.signer,
      returnAssignmentSlot: true,
    })
    expect(JSON.stringify(sent)).toContain('4')
  })

  test('assigns a message to a process that asks for it, and to no other', {
    timeout: TEST_MS,
  }, async () => {
    const [sender, taker, stranger] = [await world.spawn(), await world.spawn(), await world.spawn()]
    const see =
      'Handlers.prepend("see", function (m) return m.Action == "Look" and "break" end, function (m) Seen = m.Data end)'
    await world.lua(taker, `ao.addAssignable("look", { Action = "Look" }); ${see}`)
    await world.lua(stranger, see)
    const { id } = await world.send(sender, 'over here', 'Action', 'Look')
    for (const process of [taker, stranger]) {
      const assigned = await world.ao.assign({ process, message: id })
      const byAssignment = await world.ao.result({ process, message: assigned })
      expect(await world.ao.result({ process, message: id })).toEqual(byAssignment)
    }
    expect(await world.lua(taker, 'return Seen')).toBe('over here')
    expect(await world.lua(stranger, 'return tostring(Seen)')).toBe('nil')
  })

  test('takes Ed25519 and Ethereum keys; owners look as in AO', { timeout: TEST_MS }, async () => {
    const secret = new Uint8Array(32).fill(7)
    const signers: Signer[] = [ed25519Signer(secret), secp256k1Signer(secret)]
    const process = await world.spawn()
    await world.lua(
      process,
      'Handlers.add("who", "Who", function (m) m.reply({ Data = m.From .. " " .. m.Owner }) end)',
    )
    for (const signer of signers) {
      const all = tags('Data-Protocol', 'ao', 'Variant', 'ao.TN.1', 'Type', 'Message', 'Action', 'Who')
      const item = await createDataItem({ target: process, data: 'x', tags: all }, signer)
      expect(await world.ao.sendSignedMessage({ id: item.id, raw: Buffer.from(item.bytes) })).toBe(item.id)
      const result = await world.ao.result({ process, message: item.id })
      expect(pick(result, ['Messages', 0, 'Data'])).toBe(`${signer.address} ${signer.address}`)
      expect(pick(result, ['Messages', 0, 'Target'])).toBe(signer.address)
    }
    expect(signers[1]?.address).toMatch(/^0x[0-9a-fA-F]{40}$/)
  })

  test('is refused: no such module, no such process, a tampered item', {
    timeout: TEST_MS,
  }, async () => {
    const { ao, signer, node } = world
    await expect(ao.spawn({ module: node.key, scheduler: node.key, signer })).rejects.toThrow()
    await expect(ao.message({ process: node.key, signer, data: 'x' })).rejects.toThrow(/404/)
    const process = await world.spawn()
    const { raw } = await ao.signMessage({
      process,
      data: 'return 1',
      tags: tags('Action', 'Eval'),
      signer,
    })
    const tampered = new Uint8Array(Buffer.from(raw as Uint8Array))
    tampered[tampered.length - 1] = 0x32
    const answer = await post(`${world.url}/mu`, tampered)
    expect([answer.status, answer.at('code')]).toEqual([400, 'bad-signature'])
    expect(await ao.getLastSlot({ processId: process })).toBe('0')
    await expect(ao.monitor({ process: node.key, signer })).rejects.toThrow()
  })
})

describe('unmodified aoconnect 0.0.98 in mainnet mode', () => {
  test('spawns, sends, and reads results and dry-runs', { timeout: TEST_MS }, async () => {
    const ao = world.mainnet()
    const process = await ao.spawn({
      module: world.modules.aos32,
      tags: tags('Name', 'mainnet'),
      data: 'boot',
    })
    const evaluate = tags('Action', 'Eval')
    const slot = await ao.message({
      process,
      tags: evaluate,
      data: 'N = 41; Handlers.add("n", "N", function (m) m.reply({ Data = tostring(N), Said = m.Said }) end); return N + 1',
    })
    expect(slot).toBe(1)
    expect(JSON.stringify(pick(await ao.result({ process, slot }), ['Output', 'data']))).toContain('42')
    const whole = await ao.message({
      process,
      tags: evaluate,
      data: 'return N + 2',
      opts: { fullResponse: true },
    })
    expect(JSON.stringify(pick(whole, ['Output', 'data']))).toContain('43')
    const results = await ao.results({ process })
    expect(results.edges[0]?.cursor).toBe('2')
    expect(JSON.stringify(results.edges[0]?.node['Output'])).toContain('43')
    const dry = await ao.dryrun({ process, tags: tags('Action', 'N', 'Said', 'a b=c/d') })
    expect(pick(dry, ['Messages', 0, 'Data'])).toBe('41')
    expect(pick(dry, ['Messages', 0, 'Tags'])).toEqual(expect.arrayContaining([{ name: 'Said', value: 'a b=c/d' }]))
    await expect(ao.message({ process: world.node.key, tags: evaluate, data: 'return 1' })).rejects.toThrow()
  })
})
