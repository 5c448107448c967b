import type { CanisterCode } from '../code.ts'
import { CanisterTrap } from '../canister-trap.ts'
import { modeName } from '../modes.ts'
import { SYSTEM_API, type SystemCall } from '../system-api.ts'
import { callCalls } from './call-calls.ts'
import { cyclesCalls } from './cycles-calls.ts'
import { CALL_GAS, type Host, type SystemFunction } from './host.ts'
import { messageCalls } from './message-calls.ts'
import { stableCalls } from './stable-calls.ts'
import { systemCalls } from './system-calls.ts'

type Bound = (...values: never[]) => unknown
type Plain = (...values: (number | bigint)[]) => number | bigint | undefined

/** The functions of `ic0` for one instance: addresses made numbers, modes checked, gas taken. */
export function bindSystemApi(code: CanisterCode, host: Host): Record<string, Bound> {
  const functions: Readonly<Record<string, SystemFunction>> = {
    ...messageCalls(host),
    ...callCalls(host),
    ...cyclesCalls(host),
    ...stableCalls(host),
    ...systemCalls(host),
  }
  const bound: Record<string, Bound> = {}
  for (const { module, name } of WebAssembly.Module.imports(code.module)) {
    const call = SYSTEM_API.get(name)
    const plain = functions[name] as Plain | undefined
    if (module !== 'ic0' || call === undefined || plain === undefined)
      throw new Error(`expected a system call, got ${name}`)
    bound[name] = bind(name, call, plain, host, code.is64) as Bound
  }
  return bound
}

function bind(name: string, call: SystemCall, plain: Plain, host: Host, is64: boolean): Plain {
  const { modes } = call
  const enter = (): void => {
    const { execution } = host
    execution.gas += CALL_GAS
    if ((execution.entry.mode & modes) === 0) throw wrongMode(name, execution.entry.mode)
  }
  const widen = is64 && call.result === 'p'
  const result = (value: number | bigint | undefined): number | bigint | undefined =>
    widen ? BigInt(value ?? 0) : value
  const at = (index: number): ((value: number | bigint) => number | bigint) =>
    conversion(call.params.charAt(index), is64)
  const [a, b, c] = [at(0), at(1), at(2)]
  switch (call.params.length) {
    case 0:
      return () => {
        enter()
        return result(plain())
      }
    case 1:
      return (x = 0) => {
        enter()
        return result(plain(a(x)))
      }
    case 2:
      return (x = 0, y = 0) => {
        enter()
        return result(plain(a(x), b(y)))
      }
    case 3:
      return (x = 0, y = 0, z = 0) => {
        enter()
        return result(plain(a(x), b(y), c(z)))
      }
    default: {
      const all = [...call.params].map((_, index) => at(index))
      return (...values) => {
        enter()
        return result(plain(...all.map((convert, index) => convert(values[index] ?? 0))))
      }
    }
  }
}

/** Addresses and sizes are unsigned numbers; an address that no number holds exactly lies beyond all memory anyway. */
function conversion(letter: string, is64: boolean): (value: number | bigint) => number | bigint {
  if (letter === 'e') return value => BigInt.asUintN(is64 ? 64 : 32, BigInt(value))
  if (letter !== 'p') return value => value
  return is64 ? value => Number(BigInt.asUintN(64, value as bigint)) : value => (value as number) >>> 0
}

const wrongMode = (name: string, mode: number): CanisterTrap =>
  new CanisterTrap(`"ic0_${name}" cannot be executed in ${modeName(mode)} mode`, 'IC0504')
