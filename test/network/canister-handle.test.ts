import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import {
  Client,
  ed25519Signer,
  type Failure,
  fromCandid,
  generateEd25519Seed,
  inProcessTransport,
} from '../../sdk/index.ts'
import { TestNode } from '../fakes/test-node.ts'
import { motoko } from '../processes/canister/motoko.ts'

/** A store that is made with a name, and asks itself before it answers where it may. */
const PROGRAM = `
import Error "mo:core/Error";
import List "mo:core/List";
persistent actor class Store(init : { name : Text; limit : Nat8 }) = self {
  let kept = List.empty<(Text, Nat64)>();
  public shared query func name() : async Text { init.name };
  public func put(key : Text, value : Nat64) : async Nat8 { List.add(kept, (key, value)); init.limit };
  public query func all() : async [(Text, Nat64)] { List.toArray(kept) };
  public query func find(key : Text) : async ?{ value : Nat64 } {
    switch (List.find<(Text, Nat64)>(kept, func((k, _)) { k == key })) { case null { null }; case (?(_, value)) { ?{ value } } };
  };
  public func later() : async Nat { ignore await self.name(); 42 };
  public shared ({ caller }) func who() : async Principal { caller };
  public func refuse(why : Text) : async () { throw Error.reject(why) };
  public func refuseLater(why : Text) : async () { ignore await self.name(); throw Error.reject(why) };
  public func trap() : async () { assert false };
  let ic : actor { raw_rand : () -> async Blob } = actor "aaaaa-aa";
  public func draw() : async [Blob] { [await ic.raw_rand(), await ic.raw_rand()] };
}`

/** What `moc --idl` prints for it. */
const Store = fromCandid<{
  init: { name: string; limit: number }
  updates: {
    put: (input: [key: string, value: bigint]) => number
    later: () => bigint
    who: () => string
    refuse: (why: string) => undefined
    refuseLater: (why: string) => undefined
    trap: () => undefined
    draw: () => Uint8Array[]
  }
  queries: { name: () => string; all: () => [string, bigint][]; find: (key: string) => { value: bigint } | null }
}>(`
service : (init : record { limit : nat8; name : text }) -> {
  draw : () -> (vec blob);
  all : () -> (vec record { text; nat64 }) query;
  find : (key : text) -> (opt record { value : nat64 }) query;
  later : () -> (nat);
  name : () -> (text) query;
  put : (key : text, value : nat64) -> (nat8);
  refuse : (why : text) -> ();
  refuseLater : (why : text) -> ();
  trap : () -> ();
  who : () -> (principal);
}`)

let node: TestNode
let client: Client
let module: string

beforeAll(async () => {
  node = await TestNode.open()
  client = new Client({
    transport: inProcessTransport(node.node.operations),
    signer: ed25519Signer(generateEd25519Seed()),
  })
  module = await client.modules.add(motoko(PROGRAM), { format: 'canister' })
})

afterAll(() => node[Symbol.asyncDispose]())

const refusal = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => 'no refusal',
    (error: Failure) => ({ ...error.details, code: error.details['code'], failure: error.code }),
  )

describe('the handle of a canister', () => {
  it('spawns, sends, asks, and reads what is answered', async () => {
    const store = await client.spawn(Store, { module, args: { name: 'the store', limit: 200 } })
    await store.spawned.reply()
    expect(await store.name()).toBe('the store')
    expect(await store.put(['apples', 2n ** 63n])).toBe(200)
    expect(await store.all()).toEqual([['apples', 2n ** 63n]])
    expect(await store.find('apples')).toEqual({ value: 2n ** 63n })
    expect(await store.find('pears')).toBeNull()
    expect(await store.who()).toMatch(/^[a-z0-9]{5}(-[a-z0-9]{1,5})+$/)
    expect(await Promise.all([store.later(), store.later(), store.put(['pears', 1n])])).toEqual([42n, 42n, 200])
    const sent = await store.send.later()
    expect(await sent.reply()).toBe(42n)
    const actions: (string | undefined)[] = []
    for await (const { action } of store.results({ from: 0, to: 3 })) actions.push(action)
    expect(actions).toEqual([undefined, 'put', 'who'])
  })

  it('draws what nobody knew before, and what is in its feed ever after', async () => {
    const store = await client.spawn(Store, { module, args: { name: 'lots', limit: 1 } })
    const [one, two] = await store.draw()
    expect([one?.length, two?.length]).toEqual([32, 32])
    expect(one).not.toEqual(two)
    expect((await verifyProcess(await sourceFromLog(node.log, store.id))).ok).toBe(true)
  })

  it('tells a reject by its codes, now and later', async () => {
    const store = await client.spawn(Store, { module, args: { name: 'another', limit: 1 } })
    expect(await refusal(store.refuse('a test'))).toMatchObject({ failure: 'process-error', reject: 4, slot: 1 })
    expect(await refusal(store.refuseLater('a test'))).toMatchObject({ failure: 'process-error', reject: 4 })
    expect(await refusal(store.trap())).toMatchObject({ failure: 'process-error', code: 'IC0503', reject: 5 })
    const wrong = fromCandid<{ queries: { none: () => bigint; name: () => bigint } }>(
      'service : { none : () -> (nat) query; name : () -> (nat) query }',
    )
    expect(await refusal(client.process(wrong, store.id).none())).toMatchObject({
      failure: 'process-error',
      code: 'IC0536',
    })
    expect(await refusal(client.process(wrong, store.id).name())).toMatchObject({ failure: 'bad-reply' })
    expect(await refusal(store.put(['too large', 2n ** 64n]))).toMatchObject({ failure: 'bad-input' })
  })
})
