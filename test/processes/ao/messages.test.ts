import { beforeAll, describe, expect, it } from 'vitest'
import type { GuestFactory, GuestMessage, Tag } from '../../../protocol/index.ts'
import { asModuleId, asProcessId, blockHeightAt } from '../../../protocol/index.ts'
import { encodeEnvironment, encodeMessage } from '../../../processes/ao/message-json.ts'
import {
  actionOf,
  describe as describeModule,
  evalOf,
  loadModule,
  messageOf,
  MODULE,
  OTHER,
  outputOf,
  OWNER,
  PROCESS,
  processOf,
  readModule,
  SPAWN_TAGS,
  UNIT,
  WASM32,
} from './fixtures.ts'
import { Held } from './state.ts'

const decoder = new TextDecoder()
const json = (message: GuestMessage, process = processOf()): Record<string, unknown> =>
  JSON.parse(decoder.decode(encodeMessage(message, process))) as Record<string, unknown>
const tagOf = (tags: readonly Tag[], name: string): string | undefined => tags.find(tag => tag.name === name)?.value
const tagsOf = (message: Record<string, unknown>): Tag[] => message['Tags'] as Tag[]

describe('block heights', () => {
  it('grow by one every two minutes', () => {
    expect(blockHeightAt(1_700_000_000_000)).toBe(1_500_000)
    expect(blockHeightAt(1_700_000_119_999)).toBe(1_500_000)
    expect(blockHeightAt(1_700_000_120_000)).toBe(1_500_001)
    expect(blockHeightAt(1_699_999_999_999)).toBe(1_499_999)
  })
})

describe('a message as a program sees it', () => {
  it("has the fields of AO's compute unit", () => {
    const message = messageOf(7, 'hello', {
      signature: Uint8Array.of(1, 2, 255),
      anchor: new TextEncoder().encode('0'.repeat(32)),
    })
    expect(json(message)).toEqual({
      Id: message.id,
      Signature: 'AQL_',
      Data: 'hello',
      Owner: OWNER,
      Target: PROCESS,
      Anchor: '0'.repeat(32),
      From: OWNER,
      Tags: message.tags,
      Epoch: 0,
      Nonce: 7,
      Timestamp: 1_700_000_007_000,
      'Block-Height': 1_500_000,
      Cron: false,
    })
  })

  it('has no data if that is no text, and no anchor if that is none', () => {
    const message = messageOf(1, '', {
      data: Uint8Array.of(0xff, 0xfe),
      anchor: Uint8Array.of(0xff),
    })
    expect(json(message)).toMatchObject({ Data: null })
    expect(json(message)).not.toHaveProperty('Anchor')
  })

  it('has no tags From and Owner', () => {
    const tags = [
      { name: 'From', value: 'x' },
      { name: 'Owner', value: 'y' },
      { name: 'Keep', value: 'z' },
    ]
    expect(tagsOf(json(messageOf(1, '', { tags })))).toEqual([{ name: 'Keep', value: 'z' }])
  })

  it('says truly where it was pushed from, whatever its sender wrote', () => {
    const tags = [
      { name: 'From-Process', value: 'forged' },
      { name: 'Pushed-For', value: 'forged' },
      { name: 'Action', value: 'Hi' },
    ]
    const pushed = messageOf(1, '', {
      from: OTHER,
      owner: UNIT,
      fromProcess: OTHER,
      fromModule: MODULE,
      tags,
    })
    const seen = json(pushed)
    expect(seen).toMatchObject({ From: OTHER, Owner: UNIT, 'Forwarded-By': UNIT })
    expect(tagsOf(seen)).toEqual([
      { name: 'Action', value: 'Hi' },
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Variant', value: 'ao.TN.1' },
      { name: 'Type', value: 'Message' },
      { name: 'From-Process', value: OTHER },
      { name: 'From-Module', value: MODULE },
      { name: 'Pushed-For', value: pushed.origin },
    ])
  })

  it('of a tick comes from the owner, with the tags of its cron', () => {
    const seen = json(
      messageOf(4, '', {
        kind: 'tick',
        from: PROCESS,
        owner: PROCESS,
        tags: [{ name: 'Action', value: 'Cron' }],
        timer: 'cron/0-5-minutes',
      }),
    )
    expect(seen).toMatchObject({
      From: OWNER,
      Owner: OWNER,
      Cron: true,
      Tags: [{ name: 'Action', value: 'Cron' }],
    })
  })

  it('of a query is read-only and has no place in the feed', () => {
    const seen = json(messageOf(4, '', { kind: 'query' }))
    expect(seen).toMatchObject({ 'Read-Only': true, Cron: false })
    expect(seen).not.toHaveProperty('Nonce')
    expect(seen).not.toHaveProperty('Epoch')
  })

  it('comes with its process and module', () => {
    const child = processOf({ owner: OTHER, parent: OTHER })
    const environment = JSON.parse(
      decoder.decode(encodeEnvironment(child, describeModule(new Uint8Array(0), WASM32))),
    ) as {
      Process: { Id: string; Owner: string; Tags: Tag[] }
      Module: { Id: string }
    }
    expect(environment).toMatchObject({
      Process: { Id: PROCESS, Owner: OTHER },
      Module: { Id: MODULE, Owner: OWNER },
    })
    expect(tagOf(environment.Process.Tags, 'From-Process')).toBe(OTHER)
    expect(environment.Process.Tags.filter(tag => tag.name === 'Type')).toHaveLength(1)
  })
})

describe('what a program asks for', { timeout: 180_000 }, () => {
  let factory: GuestFactory
  beforeAll(() => {
    factory = loadModule(readModule('aos2_0_4_32'), WASM32)
  })

  const boot = (): Held => {
    const held = new Held(factory)
    held.step(messageOf(0, ''))
    return held
  }

  it('is sent with its own tags and without those the network makes', () => {
    const held = boot()
    const lua =
      'Send({ Target = "wallet", Action = "Greet", Data = "hi", ["X-Number"] = "5", Tags = { ["Pushed-For"] = "forged", Variant = "mine" } })'
    const { context } = held.step(evalOf(1, lua))
    const [sent] = context.sent
    expect(sent).toMatchObject({ to: 'wallet' })
    expect(decoder.decode(sent?.data)).toBe('hi')
    expect(decoder.decode(sent?.anchor)).toBe('1'.padStart(32, '0'))
    const tags = sent?.tags ?? []
    expect(tagOf(tags, 'Reference')).toBe('1')
    expect(tagOf(tags, 'Action')).toBe('Greet')
    for (const name of ['Data-Protocol', 'Type', 'Pushed-For', 'From-Process'])
      expect(tagOf(tags, name)).toBeUndefined()
  })

  it('gets its reply: a pushed message from a trusted unit is handled, another is not', () => {
    const held = boot()
    held.step(
      evalOf(
        1,
        `Handlers.add('ping', 'Ping', function (m) m.reply({ Data = 'pong to ' .. m.Tags['From-Process'] .. m.From }) end)`,
      ),
    )
    const pushed = { from: OTHER, owner: UNIT, fromProcess: OTHER }
    const trusted = held.step(actionOf(2, 'Ping', '', pushed))
    expect(trusted.context.sent).toHaveLength(1)
    expect(trusted.context.sent[0]?.to).toBe(OTHER)
    const forged = held.step(actionOf(3, 'Ping', '', { ...pushed, owner: OWNER }))
    expect(JSON.stringify(outputOf(forged.ending.output))).toContain('not trusted')
  })

  it('spawns, and hears of its child from itself', () => {
    const held = boot()
    const module = `${'N'.repeat(42)}A`
    const { context } = held.step(
      evalOf(1, `Spawn('${module}', { Data = 'code', Name = 'kid', Tags = { Authority = '${UNIT}' } })`),
    )
    const [spawn] = context.spawned
    expect(spawn).toMatchObject({ module })
    expect(decoder.decode(spawn?.data)).toBe('code')
    expect(tagOf(spawn?.tags ?? [], 'From-Module')).toBe(MODULE)
    expect(tagOf(spawn?.tags ?? [], 'Module')).toBe(module)
    const [notice] = context.sent
    expect(notice?.to).toBe(PROCESS)
    const tags = notice?.tags ?? []
    expect(tagOf(tags, 'Action')).toBe('Spawned')
    expect(tagOf(tags, 'Process')).toMatch(/^child/)
    expect(tagOf(tags, 'Reference')).toBe('1')
    expect(tagOf(tags, 'Name')).toBe('kid')
  })

  it('resumes a program that waits for its child', () => {
    const held = boot()
    const module = `${'N'.repeat(42)}A`
    const { context } = held.step(evalOf(1, `Child = Spawn('${module}', { Data = 'x' }).receive().Process`))
    const notice = context.sent.at(-1)
    const heard = messageOf(2, '', {
      from: PROCESS,
      owner: UNIT,
      fromProcess: PROCESS,
      tags: notice?.tags ?? [],
    })
    expect(held.step(heard).ending.status).toBe('ok')
    expect(JSON.stringify(outputOf(held.step(evalOf(3, 'return Child')).ending.output))).toContain('child')
  })

  it('drops a spawn of no module, and says so', () => {
    const { context } = boot().step(evalOf(1, `Spawn('nothing', { Data = 'x' })`))
    expect(context.spawned).toEqual([])
    expect(context.sent).toEqual([])
    expect(context.lines).toHaveLength(1)
  })

  it('assigns', () => {
    const { context } = boot().step(evalOf(1, `Assign({ Processes = { ao.id, 'other' }, Message = 'message-id' })`))
    expect(context.assigned).toEqual([['message-id', [PROCESS, 'other'], []]])
  })

  it('asks for nothing when it fails', () => {
    const { ending, context } = boot().step(evalOf(1, `Send({ Target = 'x' }); Spawn('${MODULE}', {}); error('boom')`))
    expect(ending).toMatchObject({ status: 'error', error: { code: 'aos-error' } })
    expect(ending.status === 'error' && ending.error.message).toContain('boom')
    expect([...context.sent, ...context.spawned, ...context.assigned]).toEqual([])
    expect(outputOf(ending.output)).toMatchObject({
      Messages: [],
      Spawns: [],
      Assignments: [],
      Output: '',
    })
  })

  it('is owned by the parent that spawned it', () => {
    const parent = asProcessId(OTHER)
    const held = factory.open(processOf({ owner: parent, parent, tags: SPAWN_TAGS }))
    const context = boot().step(messageOf(1, '')).context
    held.run(
      messageOf(0, '', {
        from: parent,
        owner: UNIT,
        fromProcess: parent,
        fromModule: asModuleId(MODULE),
      }),
      context,
      20_000_000_000n,
    )
    held.keep()
    const evaluated = held.run(
      evalOf(1, 'return Owner', { from: parent, owner: UNIT, fromProcess: parent }),
      context,
      20_000_000_000n,
    )
    held.keep()
    expect(JSON.stringify(outputOf(evaluated.output))).toContain(parent)
  })

  it('evaluates the data of its spawn when On-Boot says so', () => {
    const tags = [...SPAWN_TAGS, { name: 'On-Boot', value: 'Data' }]
    const guest = factory.open(processOf({ tags }))
    const context = boot().step(messageOf(1, '')).context
    guest.run(messageOf(0, 'Booted = "from data"', { tags }), context, 20_000_000_000n)
    guest.keep()
    const ending = guest.run(evalOf(1, 'return Booted'), context, 20_000_000_000n)
    expect(JSON.stringify(outputOf(ending.output))).toContain('from data')
  })

  it('sees a clock that stands still at the time of its slot, in UTC, and no environment', () => {
    const held = boot()
    const lua = `local a, b = os.date('%Y-%m-%d %H:%M:%S %Z %z %a %b %j %p', math.floor(os.time() / 1000)), os.clock()
      return a .. ' ' .. tostring(os.clock() == b) .. ' ' .. tostring(os.getenv('HOME'))`
    const { ending } = held.step(evalOf(1, lua))
    expect(outputOf(ending.output)).toMatchObject({
      Output: { data: '2023-11-14 22:13:21 UTC +0000 Tue Nov 318 PM true nil' },
    })
  })
})
