import { type CanisterTrap, Rejected } from '../canister-trap.ts'
import { clearLines, tellLines } from '../canister-log.ts'
import { principalText } from '../../../protocol/index.ts'
import { type CanisterCode, checkBounds, unpackedBytes } from '../code.ts'
import { outOfCycles } from '../freezing.ts'
import type { Executed, Machine, MachineHome } from '../machine.ts'
import { CODE } from '../machine.ts'
import { MODES } from '../modes.ts'
import { putPieces } from '../pieces.ts'
import type { Post } from '../post.ts'
import type { Slot } from '../slot.ts'
import { remember } from './history.ts'

const NO_BYTES = new Uint8Array(0)
/** Gas of taking code apart and compiling it: a base, and for each byte. */
const COMPILE_GAS = 1_000_000n
const COMPILE_BYTE_GAS = 20n

export interface Installation {
  readonly mode: 'install' | 'reinstall' | 'upgrade'
  readonly wasm: Uint8Array
  readonly arg: Uint8Array
  readonly caller: Uint8Array
  readonly callerVersion?: bigint | undefined
  readonly skipPreUpgrade?: boolean
  /** Of an upgrade: whether the heap stays; nothing, if it does not say. */
  readonly persistence?: 'keep' | 'replace' | undefined
  /** The code is the module of the process: it stands in no cell. */
  readonly isOwn?: boolean
}

export interface InstallParts {
  readonly machine: Machine
  readonly home: MachineHome
  readonly post: Post
}

/** Installs code: all of it, with what the code does as it begins, or nothing. @throws {Rejected} */
export function install(parts: InstallParts, wish: Installation, slot: Slot): void {
  const { machine } = parts
  try {
    installOrThrow(parts, wish, slot)
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    machine.discard()
    slot.hasActed = false
    throw error
  }
}

function installOrThrow(parts: InstallParts, wish: Installation, slot: Slot): void {
  const { machine, home } = parts
  const { mode, wasm, caller, arg } = wish
  const name = principalText(machine.names.self)
  const former = machine.code(slot.cells)
  const frozen = outOfCycles(machine, slot.cells)
  if (frozen !== undefined) throw Rejected.of(frozen)
  if (mode === 'install' && former !== undefined) {
    throw new Rejected(
      'IC0514',
      `Canister ${name} cannot be installed because the canister is not empty. Try installing with mode='reinstall' instead.`,
    )
  }
  if (mode === 'upgrade' && former === undefined) {
    throw new Rejected(
      'IC0537',
      `Error from Canister ${name}: Attempted to upgrade a canister that contains no Wasm module`,
    )
  }
  spendOnCode(wasm, slot)
  const code = home.code(undefined, () => wasm)
  checkBounds(code)
  const version = machine.state.version + 1n
  const settings = { ownCode: wish.isOwn === true, codeBytes: wasm.length, timerNs: 0n, version }
  const run = (what: string, runMode: number, runArg: Uint8Array, on: CanisterCode): void => {
    const seen = machine.state.version
    const executed = execute(machine, on, { what, mode: runMode, arg: runArg, caller }, slot)
    // All of it is one change: code of before sees the old version, code of after the new one.
    machine.change({ version: seen })
    tellLines(executed, slot)
    if (executed.trap !== undefined) throw trapped(name, executed.trap)
  }
  if (mode === 'upgrade' && former !== undefined) {
    checkPersistence(name, former, code, wish.persistence)
    if (wish.skipPreUpgrade !== true && former.entries.has('canister_pre_upgrade'))
      run('canister_pre_upgrade', MODES.G, NO_BYTES, former)
    machine.replaceCode(code, wish.persistence === 'keep', settings)
  } else {
    machine.clearStable()
    machine.replaceCode(code, false, { ...settings, certified: NO_BYTES })
  }
  if (code.hasStart) run('start', MODES.s, NO_BYTES, code)
  const entry = mode === 'upgrade' ? 'canister_post_upgrade' : 'canister_init'
  if (code.entries.has(entry)) run(entry, MODES.I, arg, code)
  if (wish.isOwn !== true) putPieces(slot.cells, CODE, wasm)
  if (mode === 'reinstall') clearLines(slot.cells)
  machine.change({ installedNs: slot.nowNs })
  remember(machine, { what: mode, caller, callerVersion: wish.callerVersion, hash: code.hash, controllers: [] }, slot)
  slot.changed = true
}

/** Of taking code apart and compiling it. @throws {Rejected} if there is too little gas */
export function spendOnCode(wasm: Uint8Array, slot: Slot): void {
  slot.spend(COMPILE_GAS + COMPILE_BYTE_GAS * BigInt(wasm.length))
  // What a gzip stream becomes is what is taken apart, whether or not code can be made of it.
  slot.spend(COMPILE_BYTE_GAS * BigInt(Math.max(0, unpackedBytes(wasm) - wasm.length)))
  if (slot.left === 0n) throw new Rejected('IC0522', 'the code takes more instructions than there are')
}

function checkPersistence(
  name: string,
  former: CanisterCode,
  code: CanisterCode,
  persistence: Installation['persistence'],
): void {
  const error = (note: string): Rejected => new Rejected('IC0504', `Error from Canister ${name}: ${note}`)
  if (persistence === 'keep' && !code.keepsHeap) {
    throw error(
      'Invalid upgrade option: The `wasm_memory_persistence: opt keep` upgrade option requires that the new canister module supports enhanced orthogonal persistence.',
    )
  }
  if (persistence === undefined && former.keepsHeap) {
    throw error(
      'Missing upgrade option: Enhanced orthogonal persistence requires the `wasm_memory_persistence` upgrade option.',
    )
  }
}

function execute(
  machine: Machine,
  code: CanisterCode,
  { what, mode, arg, caller }: { what: string; mode: number; arg: Uint8Array; caller: Uint8Array },
  slot: Slot,
): Executed {
  const gasLimit = slot.left - slot.left / 8n
  const executed = machine.execute(code, what, { mode, caller, arg, answers: false, gasLimit }, slot.nowNs)
  slot.spend(executed.gas)
  return executed
}

const trapped = (name: string, trap: CanisterTrap): Rejected =>
  new Rejected(trap.error, `Error from Canister ${name}: ${trap.message}`)
