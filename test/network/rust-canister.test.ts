import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import { installClients } from '../clients/install.ts'
import { TestNode } from '../fakes/test-node.ts'

/** For azle: a JavaScript engine written in Rust, whose templates its package brings along. */
const SHOP = `
import { call, IDL, Principal, query, StableBTreeMap, update } from 'azle'
export default class {
  items = new StableBTreeMap<string, bigint>(0)
  @update([IDL.Text, IDL.Nat], IDL.Nat)
  put(name: string, count: bigint): bigint {
    const sum = (this.items.get(name) ?? 0n) + count
    this.items.insert(name, sum)
    return sum
  }
  @query([IDL.Text], IDL.Opt(IDL.Nat))
  get(name: string): [bigint] | [] {
    const found = this.items.get(name)
    return found === undefined ? [] : [found]
  }
  @update([])
  refuse(): void {
    this.items.insert('apple', 0n)
    throw new Error('out of apples')
  }
  @update([IDL.Principal, IDL.Text, IDL.Nat], IDL.Nat)
  async putElsewhere(shop: Principal, name: string, count: bigint): Promise<bigint> {
    return await call(shop, 'put', { paramIdlTypes: [IDL.Text, IDL.Nat], returnIdlType: IDL.Nat, args: [name, count] })
  }
}`
const CLIENTS = join(import.meta.dirname, '..', 'clients')
const run = promisify(execFile)

let node: TestNode
let folder: string

beforeAll(async () => {
  await installClients()
  folder = await mkdtemp(join(tmpdir(), 'atoll-azle-'))
  node = await TestNode.open({ port: 0 })
})

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

async function build(): Promise<string> {
  const modules = join(CLIENTS, 'node_modules')
  await mkdir(join(folder, 'src'))
  await symlink(modules, join(folder, 'node_modules'), 'junction')
  await writeFile(
    join(folder, 'dfx.json'),
    JSON.stringify({ canisters: { shop: { type: 'azle', main: 'src/shop.ts' } } }),
  )
  await writeFile(join(folder, 'src', 'shop.ts'), SHOP)
  const program = [join(modules, 'tsx', 'dist', 'cli.mjs'), join(modules, 'azle', 'src', 'build.ts'), 'build', 'shop']
  const env = { ...process.env, CANISTER_CANDID_PATH: join(folder, 'shop.did') }
  await run(process.execPath, program, { cwd: folder, env })
  return join(folder, '.azle', 'shop', 'shop.wasm')
}

it('a canister whose code is Rust is installed in chunks, serves, and is evaluated again to the same roots', async () => {
  const { stdout } = await run(process.execPath, [
    '--no-warnings',
    join(CLIENTS, 'azle.mjs'),
    node.node.url,
    await build(),
  ])
  expect(stdout.trim().split('\n')).toHaveLength(4)
  const canisters = await node.log.directory.processes({ limit: 10 })
  expect(canisters).toHaveLength(2)
  for (const { id } of canisters) {
    expect(await verifyProcess(await sourceFromLog(node.log, id))).toMatchObject({ ok: true })
  }
})
