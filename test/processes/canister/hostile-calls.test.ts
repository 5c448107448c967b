import { describe, expect, it } from 'vitest'
import { SYSTEM_API } from '../../../processes/canister/system-api.ts'
import { drawing, hostileArguments } from '../../fakes/hostile-values.ts'
import { CanisterNet, user } from './canister-net.ts'
import { callsOf, encodeSteps, type HostileStep, hostileProgram } from './hostile-program.ts'

/** Arguments for each function, and sequences: more of them by hand. */
const ROWS = Number(process.env['ATOLL_HOSTILE_ROWS'] ?? 5)
const CODE = /^IC0\d{3}$/

/** Sends a message, and has its slots end in what the IC knows. */
function send(
  net: CanisterNet,
  canister: ReturnType<CanisterNet['installed']>,
  method: string,
  steps: readonly HostileStep[],
  is64: boolean,
): void {
  const before = net.results.length
  const told = `${method} ${steps.map(({ name, values }) => `${name}(${values.join()})`).join(' ')}`
  const answer = net.ingress(canister, method, encodeSteps(steps, is64))
  for (const { result } of net.results.slice(before))
    if (result.error !== undefined) expect(result.error.code, told).toMatch(CODE)
  if (answer?.reject !== undefined) expect(answer.reject.error, told).toMatch(CODE)
}

/** A step with hostile values; every second one makes sense as far as a name and a place go. */
function anyStep(names: readonly string[], is64: boolean, draw: () => number): HostileStep {
  const name = names[Math.floor(draw() * names.length)] ?? ''
  const { params = '' } = SYSTEM_API.get(name) ?? {}
  if (name === 'call_new' && draw() < 0.7) {
    const callback = BigInt(Math.floor(draw() * callsOf(is64).length))
    return { name, values: [200n, draw() < 0.8 ? 29n : 0n, 100n, 4n, callback, 0n, callback, 0n] }
  }
  return { name, values: hostileArguments(params, is64, 1, draw)[0] ?? [] }
}

describe.each([
  ['32', false],
  ['64', true],
] as const)('system calls of %s bits with hostile arguments', (_, is64) => {
  it('end in a reply or in a reject of the IC, in every mode, the same at every replay', {
    timeout: 300_000,
  }, async () => {
    const draw = drawing(is64 ? 64 : 32)
    const net = new CanisterNet()
    const canister = net.installed(hostileProgram(is64))
    for (const name of callsOf(is64)) {
      for (const values of hostileArguments(SYSTEM_API.get(name)?.params ?? '', is64, ROWS, draw)) {
        const steps = [{ name, values }]
        for (const method of ['run', 'reply', 'reject', 'cleanup']) send(net, canister, method, steps, is64)
        for (const method of ['query run', 'composite run']) {
          const answer = await net.query(canister, method, encodeSteps(steps, is64))
          if (answer.reject !== undefined) expect(answer.reject.error).toMatch(CODE)
        }
        const inspected = await net.query(canister, 'run', encodeSteps(steps, is64), user(1), {
          'Canister-Query': 'inspect',
        })
        if (inspected.reject !== undefined) expect(inspected.reject.error).toMatch(CODE)
      }
    }
    expect(net.replay(canister)).toBe(net.root(canister))
  })

  it('one after the other, calls that are made and answered among them', { timeout: 300_000 }, () => {
    const draw = drawing(is64 ? 640 : 320)
    const net = new CanisterNet()
    const canister = net.installed(hostileProgram(is64))
    const likely = [
      'call_new',
      'call_perform',
      'call_cycles_add128',
      'call_data_append',
      'call_on_cleanup',
      'msg_reply',
      'msg_reject',
      'global_timer_set',
    ]
    const names = [...callsOf(is64).filter(name => name !== 'trap'), ...Array.from({ length: 8 }, () => likely).flat()]
    for (let round = 0; round < 60 * ROWS; round++) {
      const steps = Array.from({ length: 1 + Math.floor(draw() * 6) }, () => anyStep(names, is64, draw))
      send(net, canister, draw() < 0.8 ? 'run' : 'reply', steps, is64)
      if (round % 50 === 0) net.pass(400_000)
    }
    net.pass(400_000)
    expect(net.replay(canister)).toBe(net.root(canister))
  })
})
