import { beforeAll, describe, expect, it } from 'vitest'
import type { GuestFactory } from '../../../protocol/index.ts'
import { actionOf, evalOf, loadModule, messageOf, outputOf, readModule, WASM32, WASM64 } from './fixtures.ts'
import { Held, stateOf } from './state.ts'

/** What was returned: the last line, because aos warns of a gap after a failed message. */
const answerOf = (output: Uint8Array | undefined): unknown =>
  (outputOf(output) as { Output: { data?: string } }).Output.data?.split('\n').at(-1)

describe.each([
  ['aos2_0_4_32', WASM32],
  ['aos2_0_6', WASM64],
])('%s at its limits', { timeout: 180_000 }, (name, format) => {
  let factory: GuestFactory
  beforeAll(() => {
    factory = loadModule(readModule(name), format)
  })

  const boot = (): Held => {
    const held = new Held(factory)
    expect(held.step(messageOf(0, '')).ending.status).toBe('ok')
    expect(held.step(evalOf(1, 'X = 41')).ending.status).toBe('ok')
    return held
  }

  /** Runs Lua that must end in that error, and see that nothing of it is left. */
  const fails = (lua: string, code: string, gas = 300_000_000n): void => {
    const held = boot()
    const before = stateOf(held.guest)
    const { ending } = held.step(evalOf(2, lua), gas)
    expect(ending).toMatchObject({ status: 'error', error: { code } })
    if (code === 'out-of-gas') expect(ending.gas).toBe(gas)
    expect(outputOf(ending.output)).toMatchObject({
      Messages: [],
      Spawns: [],
      Error: expect.any(String) as string,
    })
    expect(stateOf(held.guest)).toBe(before)
    expect(answerOf(held.step(evalOf(3, 'return X + 1')).ending.output)).toBe('42')
  }

  it('an endless loop ends when its gas is spent', () => fails('while true do X = X + 1 end', 'out-of-gas'))

  it('no pcall catches spent gas', () =>
    fails('while true do pcall(function() while true do X = X + 1 end end) end', 'out-of-gas'))

  it('no coroutine and no error handler catches spent gas', () =>
    fails(
      `while true do
        xpcall(coroutine.wrap(function() while true do X = X + 1 end end), function() return 'caught' end)
      end`,
      'out-of-gas',
    ))

  it('an endless stream of errors ends when its gas is spent', () =>
    fails('while true do pcall(error, "again") X = X + 1 end', 'out-of-gas'))

  it('endless recursion is an error that Lua itself finds', () =>
    fails('local function f() return 1 + f() end X = f()', 'aos-error', 20_000_000_000n))

  it('memory without end is an error, and the memory shrinks again', () => {
    fails('X = {} local s = ("x"):rep(1000000) for i = 1, 10000 do X[i] = s .. i end', 'aos-error', 20_000_000_000n)
  })

  it('memory that grew in a failed message is as before', () => {
    const held = boot()
    const before = stateOf(held.guest)
    const pages = held.guest.pages
    held.step(evalOf(2, 'Big = ("x"):rep(80000000); error("no")'))
    expect(held.guest.pages).toBe(pages)
    expect(stateOf(held.guest)).toBe(before)
    const grown = held.step(evalOf(3, 'Big = ("x"):rep(80000000); return #Big'))
    expect(answerOf(grown.ending.output)).toBe('80000000')
    expect(held.guest.pages).toBeGreaterThan(pages)
    expect(answerOf(held.step(evalOf(4, 'return #Big + X')).ending.output)).toBe('80000041')
  })

  it('many errors in many frames all arrive', () => {
    const held = boot()
    const { ending } = held.step(
      evalOf(
        2,
        `
      local function down(n)
        if n == 0 then error({ deep = true }) end
        local ok, problem = pcall(down, n - 1)
        if not ok then error(problem) end
      end
      local caught = 0
      for _ = 1, 200 do
        local ok, problem = pcall(down, 20)
        if not ok and problem.deep then caught = caught + 1 end
      end
      return caught`,
      ),
    )
    expect(answerOf(ending.output)).toBe('200')
  })

  it('recursion in Lua may go deep', () => {
    const held = boot()
    const { ending } = held.step(
      evalOf(2, 'local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end return f(150000)'),
    )
    expect(answerOf(ending.output)).toBe('150000')
  })

  it('patterns and sorts that call back are bounded by depth, not by the native stack', () => {
    const held = boot()
    const { ending } = held.step(
      evalOf(
        2,
        `
      local depth = 0
      local function nest() depth = depth + 1; return (('x'):gsub('x', nest)) end
      local ok = pcall(nest)
      return depth > 100 and not ok`,
      ),
    )
    expect(answerOf(ending.output)).toBe('true')
  })

  it('a query changes nothing', () => {
    const held = boot()
    const before = stateOf(held.guest)
    const { ending, context } = held.step(evalOf(2, 'X = X + 1; Send({ Target = "x" }); return X', { kind: 'query' }))
    expect(answerOf(ending.output)).toBe('42')
    expect(context.sent).toEqual([])
    expect(stateOf(held.guest)).toBe(before)
    expect(answerOf(held.step(evalOf(2, 'return X')).ending.output)).toBe('41')
  })

  it('takes a message of two megabytes', () => {
    const held = boot()
    const { ending } = held.step(messageOf(2, 'x'.repeat(2_000_000)))
    expect(ending.status).toBe('ok')
    expect(answerOf(held.step(evalOf(3, 'return #Inbox[#Inbox].Data')).ending.output)).toBe('2000000')
  })

  it('answers with a megabyte, though the output repeats what the message holds', () => {
    const held = boot()
    held.step(
      evalOf(2, 'Handlers.add("Echo", "Echo", function (m) m.reply({ Data = m.Data, Action = "EchoReply" }) end)'),
    )
    const data = 'x'.repeat(1_048_576)
    const { ending, context } = held.step(actionOf(3, 'Echo', data))
    expect(ending.status).toBe('ok')
    expect(context.sent).toHaveLength(1)
    expect((outputOf(ending.output)['Messages'] as { Data: string }[])[0]?.Data).toBe(data)
  })

  it('refuses an output that is too large, and nothing of it stands', () => {
    fails('X = 1; return ("x"):rep(4000000)', 'bad-output', 20_000_000_000n)
  })
})
