import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { INJECTED, ModuleRefused, type RewriteProfile, rewrite } from '../../processes/rewriter/index.ts'
import { matches } from './compare.ts'
import type { Action, Command, Value } from './script.ts'
import { callExactly } from './wrapper.ts'

const PROFILE: RewriteProfile = {
  imports: () => true,
  memoryPagesMax: 65_536,
  frameSlotsMax: 65_536,
  trackDirty: true,
  features: { tableMutation: true, memoryInit: true, floatBoundary: true, vectorGlobals: true },
  limits: {
    tableElementsMax: 10_000_000,
    tablesMax: 16,
    brTableEntriesMax: 100_000,
    brTableEntriesTotalMax: 200_000,
    customSectionsMax: 100,
  },
}
const GAS = 1n << 60n

export interface Outcome {
  passed: number
  /** Checks that the engine itself does not make (any more), or that need text parsing. */
  skipped: number
  readonly refused: Set<string>
  readonly failures: { readonly line: number; readonly what: string }[]
}

/** A check that cannot be made here. */
class Skipped extends Error {}

/** Runs one script, on the original modules or on the rewritten ones. */
export class ScriptRun {
  readonly outcome: Outcome = {
    passed: 0,
    skipped: 0,
    refused: new Set(),
    failures: [],
  }
  readonly #folder: string
  readonly #rewritten: boolean
  readonly #registry: WebAssembly.Imports = { spectest: spectest() }
  readonly #named = new Map<string, WebAssembly.Exports>()
  #current: WebAssembly.Exports | undefined
  #running: WebAssembly.Exports | undefined

  constructor(folder: string, rewritten: boolean) {
    this.#folder = folder
    this.#rewritten = rewritten
  }

  run(commands: readonly Command[]): Outcome {
    for (const command of commands) {
      try {
        this.#command(command)
        this.outcome.passed += 1
      } catch (error) {
        if (error instanceof Skipped) this.outcome.skipped += 1
        else if (error instanceof ModuleRefused) this.outcome.refused.add(error.message)
        else this.outcome.failures.push({ line: command.line, what: `${command.type}: ${error}` })
      }
    }
    return this.outcome
  }

  #command(command: Command): void {
    switch (command.type) {
      case 'module':
        this.#current = undefined
        this.#current = this.#instantiate(command)
        if (command.name !== undefined) this.#named.set(command.name, this.#current)
        return
      case 'register':
        this.#registry[command.as ?? ''] = this.#exportsOf(command.name)
        return
      case 'action':
        this.#perform(command.action, command.expected ?? [], false)
        return
      case 'assert_return':
        this.#perform(command.action, command.expected ?? [], true)
        return
      case 'assert_trap':
        this.#expectTrap(() => this.#perform(command.action, command.expected ?? [], false))
        return
      case 'assert_exhaustion':
        return this.#expectExhaustion(command)
      case 'assert_invalid':
      case 'assert_malformed':
        return this.#expectInvalid(command)
      case 'assert_unlinkable':
      case 'assert_uninstantiable':
        return this.#expectNoInstance(command)
      default:
        throw new Error(`expected a known command, got ${command.type}`)
    }
  }

  #read(command: Command): Uint8Array<ArrayBuffer> {
    if (command.module_type === 'text') throw new Skipped()
    return new Uint8Array(readFileSync(join(this.#folder, command.filename ?? '')))
  }

  #instantiate(command: Command): WebAssembly.Exports {
    const original = this.#read(command)
    if (!this.#rewritten) {
      return new WebAssembly.Instance(new WebAssembly.Module(original), this.#registry).exports
    }
    const rewritten = rewrite(original, PROFILE)
    const module = new WebAssembly.Module(Uint8Array.from(rewritten.bytes))
    const { exports } = new WebAssembly.Instance(module, this.#registry)
    this.#refill(exports)
    if (rewritten.hasStart) call(exports[INJECTED.start])
    return exports
  }

  /** Every instance has gas of its own; a call may go through several. */
  #refill(exports: WebAssembly.Exports): void {
    setGlobal(exports[INJECTED.gas], GAS)
    setGlobal(exports[INJECTED.depth], 0)
  }

  #exportsOf(name: string | undefined): WebAssembly.Exports {
    const exports = name === undefined ? this.#current : this.#named.get(name)
    if (exports === undefined) throw new Skipped()
    return exports
  }

  #perform(action: Action | undefined, expected: readonly Value[], compare: boolean): void {
    if (action === undefined) throw new Error('expected an action')
    const exports = this.#exportsOf(action.module)
    this.#running = exports
    if (this.#rewritten) this.#refill(exports)
    const target = exports[action.field]
    if (action.type === 'get') {
      if (!(target instanceof WebAssembly.Global)) throw new Error(`no global ${action.field}`)
      if (compare && !matchPlain(target.value, expected[0])) {
        throw new Error(`${action.field} is ${target.value}`)
      }
      return
    }
    if (typeof target !== 'function') throw new Error(`no function ${action.field}`)
    const args = action.args ?? []
    if ([...args, ...expected].some(({ type }) => /^[fv]\d/.test(type))) {
      const results = callExactly(target, args, expected)
      for (const [index, value] of expected.entries()) {
        if (compare && !matches(results[index] ?? new Uint8Array(), value, this.#rewritten)) {
          throw new Error(`${action.field} gives ${results[index]}, expected ${value.value}`)
        }
      }
      return
    }
    const got = target(...args.map(plain))
    if (!compare) return
    const list = expected.length > 1 ? [...(got as Iterable<unknown>)] : [got]
    for (const [index, value] of expected.entries()) {
      if (!matchPlain(list[index], value)) {
        throw new Error(`${action.field} gives ${String(list[index])}`)
      }
    }
  }

  #expectTrap(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (error instanceof WebAssembly.RuntimeError) return
      throw error
    }
    throw new Error('expected a trap')
  }

  #expectExhaustion(command: Command): void {
    try {
      this.#perform(command.action, [], false)
    } catch (error) {
      if (!this.#rewritten && error instanceof RangeError) return
      const depth = this.#running?.[INJECTED.depth]
      const overflow = depth instanceof WebAssembly.Global && depth.value > PROFILE.frameSlotsMax
      if (error instanceof WebAssembly.RuntimeError && overflow) return
      throw error
    }
    throw new Error('expected exhaustion')
  }

  #expectInvalid(command: Command): void {
    const bytes = this.#read(command)
    // Rules that the engine has dropped since (several memories, global initialisers) do not count.
    const engineAccepts = WebAssembly.validate(bytes)
    if (!this.#rewritten) {
      if (engineAccepts) throw new Skipped()
      return
    }
    try {
      rewrite(bytes, PROFILE)
    } catch (error) {
      if (error instanceof ModuleRefused) return
      throw error
    }
    if (engineAccepts) throw new Skipped()
    throw new Error(`expected a refusal: ${command.text}`)
  }

  #expectNoInstance(command: Command): void {
    try {
      this.#instantiate(command)
    } catch (error) {
      const expected = [WebAssembly.LinkError, WebAssembly.RuntimeError, TypeError]
      if (expected.some(kind => error instanceof kind)) return
      throw error
    }
    // A rewritten memory always has a maximum, so it can be linked where one is asked for.
    if (this.#rewritten && command.text === 'incompatible import type') throw new Skipped()
    throw new Error('expected no instance')
  }
}

function spectest(): WebAssembly.ModuleImports {
  const print = () => {}
  return {
    print,
    print_i32: print,
    print_i64: print,
    print_f32: print,
    print_f64: print,
    print_i32_f32: print,
    print_f64_f64: print,
    global_i32: 666,
    global_i64: new WebAssembly.Global({ value: 'i64' }, 666n),
    global_f32: 666.6,
    global_f64: 666.6,
    table: new WebAssembly.Table({ element: 'anyfunc', initial: 10, maximum: 20 }),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
  }
}

type Plain = number | bigint | object | null

const references = new Map<string, object>()

/** An argument as a JavaScript value. */
function plain({ type, value }: Value): Plain {
  const text = String(value)
  switch (type) {
    case 'i32':
      return Number(BigInt.asIntN(32, BigInt(text)))
    case 'i64':
      return BigInt.asIntN(64, BigInt(text))
    case 'externref': {
      if (text === 'null') return null
      const known = references.get(text) ?? { externref: text }
      references.set(text, known)
      return known
    }
    case 'funcref':
      return null
    default:
      throw new Error(`expected a plain type, got ${type}`)
  }
}

function matchPlain(got: unknown, expected: Value | undefined): boolean {
  if (expected === undefined) return true
  if (expected.type === 'funcref' && expected.value !== 'null') return typeof got === 'function'
  if (/^f\d/.test(expected.type)) {
    const view = new DataView(new ArrayBuffer(8))
    if (expected.type === 'f32') view.setUint32(0, Number(expected.value))
    else view.setBigUint64(0, BigInt(String(expected.value)))
    return Object.is(got, expected.type === 'f32' ? view.getFloat32(0) : view.getFloat64(0))
  }
  return Object.is(got, plain(expected))
}

function setGlobal(global: unknown, value: bigint | number): void {
  if (global instanceof WebAssembly.Global) global.value = value
}

function call(target: unknown): void {
  if (typeof target !== 'function') throw new Error('expected a function')
  target()
}
