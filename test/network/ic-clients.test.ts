import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AtollNode, createNode } from '../../node/index.ts'
import { installClients } from '../clients/install.ts'
import { motoko, type MotokoKind } from '../processes/canister/motoko.ts'
import { CALLER, HEARTBEAT, INSPECT, PATIENT, TIMERS } from '../processes/canister/programs.ts'
import {
  ASSETS,
  CERTIFIED,
  COUNTER,
  COUNTER_TRAPPING,
  COUNTER_UPGRADED,
  LARGE,
  PAGE,
  SIGNER,
} from './programs/canisters.ts'

let node: AtollNode
/** One to which another key delegated, which clients trust. */
let delegated: AtollNode
const folder = mkdtempSync(join(tmpdir(), 'atoll-ic-'))

beforeAll(async () => {
  await installClients()
  node = await createNode({ data: join(folder, 'data'), port: 0, hosts: 1 })
  const icRootSeed = join(folder, 'root-seed')
  writeFileSync(icRootSeed, `${'ab'.repeat(32)}\n`, { mode: 0o600 })
  delegated = await createNode({ data: join(folder, 'delegated'), port: 0, hosts: 1, icRootSeed })
})

afterAll(async () => {
  await node[Symbol.asyncDispose]()
  await delegated[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const file = (name: string, source: string, kind: MotokoKind = 'wasm64'): string => {
  const path = join(folder, `${name}-${kind}.wasm`)
  writeFileSync(path, motoko(source, kind))
  return path
}

/** What a scenario told, line by line; fails with all it said if it did not end well. */
function scenario(name: string, args: readonly string[], at = node): Promise<string[]> {
  const program = join(import.meta.dirname, '..', 'clients', `${name}.mjs`)
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--no-warnings', program, at.url, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [told, trouble] = ['', '']
    child.stdout.on('data', text => {
      told += String(text)
    })
    child.stderr.on('data', text => {
      trouble += String(text)
    })
    child.once('error', reject)
    child.once('close', code => {
      if (code === 0) resolve(told.trim().split('\n'))
      else reject(new Error(`${told}\n${trouble}`))
    })
  })
}

describe('clients of other makes, unmodified', () => {
  it('agent 3 does all it can do', async () => {
    const wasm = [
      file('counter', COUNTER),
      file('upgraded', COUNTER_UPGRADED),
      file('certified', CERTIFIED),
      file('large', LARGE),
      file('signer', SIGNER),
    ]
    expect(await scenario('agent-3', wasm)).toHaveLength(16)
  })

  it('the newest agent, and the client of the management canister, do all they can do', async () => {
    expect(await scenario('core-6', [file('counter', COUNTER), file('upgraded', COUNTER_UPGRADED)])).toHaveLength(17)
  })

  it('the newest agent sees timers, heartbeats, inspection, composite queries, awaits, calls that time out and upgrades, with a kept heap and with stable variables', async () => {
    const programs = { counter: COUNTER, caller: CALLER, timers: TIMERS, heartbeat: HEARTBEAT, inspect: INSPECT }
    const upgrades = { counter: COUNTER, upgraded: COUNTER_UPGRADED, trapping: COUNTER_TRAPPING }
    const wasm = [
      ...Object.entries({ ...programs, ...upgrades, patient: PATIENT }).map(([name, source]) => file(name, source)),
      ...Object.entries(upgrades).map(([name, source]) => file(name, source, 'wasm32')),
    ]
    expect(await scenario('motoko', wasm)).toHaveLength(8)
  })

  it('the client of the asset canister stores, reads and deletes; certified pages come over HTTP and are verified, by the key of a subnet', async () => {
    expect(await scenario('assets', [file('assets', ASSETS), file('page', PAGE)], delegated)).toHaveLength(13)
  })
})
