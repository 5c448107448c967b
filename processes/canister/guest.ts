import {
  type Ending,
  type Guest,
  type GuestContext,
  type GuestMessage,
  type GuestSnapshot,
  type ProcessDescription,
  principalOf,
  rootKeysOf,
  selfAuthenticating,
} from '../../protocol/index.ts'
import { OUTPUT_MAX_BYTES } from './bounds.ts'
import { Canister } from './canister.ts'
import { Machine, type MachineHome } from './machine.ts'

/** Bytes of a canister without memory: objects, maps. */
const OVERHEAD_BYTES = 6_000

/** One canister in a host. */
export class CanisterGuest implements Guest {
  readonly outputMaxBytes = OUTPUT_MAX_BYTES
  readonly #machine: Machine
  readonly #canister: Canister
  #open: 'no' | 'ok' | 'error' = 'no'

  constructor(process: ProcessDescription, home: MachineHome, snapshot: GuestSnapshot | undefined) {
    const [rootKey = new Uint8Array(0)] = rootKeysOf(process)
    const [unit] = process.policy.schedulers
    const subnet =
      rootKey.length > 0 ? selfAuthenticating(rootKey) : unit === undefined ? new Uint8Array(0) : principalOf(unit)
    const names = { self: principalOf(process.id), subnet, rootKey }
    this.#machine = new Machine(names, home, snapshot?.engine)
    if (snapshot !== undefined) this.#machine.kept.restore(snapshot.chunks)
    this.#canister = new Canister(this.#machine, process, home)
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#open !== 'no') throw new Error('expected keep or discard before the next run')
    this.#open = 'error'
    this.#machine.patienceGas = context.patienceGas
    try {
      const ending = this.#canister.run(message, context, gasLimit)
      this.#open = ending.status
      return ending
    } catch (error) {
      this.#machine.giveUp()
      this.discard()
      throw error
    }
  }

  keep(): void {
    if (this.#open !== 'ok') throw new Error('expected a run that ended well')
    this.#open = 'no'
    this.#machine.keep()
  }

  discard(): void {
    if (this.#open === 'no') return
    this.#open = 'no'
    this.#machine.discard()
  }

  get pages(): number {
    return this.#machine.state.heapPages
  }

  takeChanged(): readonly number[] {
    return this.#machine.kept.takeChanged()
  }

  chunk(index: number): Uint8Array {
    return this.#machine.kept.get(index)
  }

  engine(): Uint8Array {
    return this.#machine.engine()
  }

  get sizeBytes(): number {
    return OVERHEAD_BYTES + this.#machine.kept.sizeBytes
  }

  close(): void {
    this.discard()
    this.#machine.close()
  }
}
