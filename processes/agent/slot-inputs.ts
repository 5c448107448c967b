import { childId, type GuestContext, type ProcessId, type Slot } from '../../protocol/index.ts'
import { GuestStop } from '../actor/guest-stop.ts'
import { AGENT_GAS, gasReserveOf } from './gas.ts'
import type { HostInputs, SlotCalls } from './engine-imports.ts'

const RANDOM_BYTES = 32
/** Characters of log that are kept; what is beyond is charged and dropped. */
const LOG_MAX_CHARACTERS = 64 * 1024

/** What one slot takes from its host while it runs; every attempt sees the same. */
export class SlotInputs implements SlotCalls {
  /** Gas of the calls of this attempt. */
  gas = 0
  lines: string[] = []
  readonly #context: GuestContext
  readonly #process: ProcessId
  readonly #slot: Slot
  #characters = 0
  #gasMax = 0
  #words: number[] = []
  #nextWord = 0

  constructor(context: GuestContext, process: ProcessId, slot: Slot) {
    this.#context = context
    this.#process = process
    this.#slot = slot
  }

  /** Gives the calls to an instance, for one attempt. */
  attach(inputs: HostInputs, nowMs: number, gasMax: bigint): void {
    this.gas = 0
    this.lines = []
    this.#characters = 0
    this.#nextWord = 0
    this.#gasMax = Number(gasMax)
    inputs.gasReserve = gasReserveOf(gasMax)
    inputs.nowMs = nowMs
    inputs.slot = this
  }

  random(): number {
    if (this.#nextWord === this.#words.length) this.#draw()
    this.#charge(AGENT_GAS.random)
    return this.#words[this.#nextWord++] ?? 0
  }

  #draw(): void {
    const bytes = this.#context.random(RANDOM_BYTES)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let at = 0; at < RANDOM_BYTES; at += 4) this.#words.push(view.getUint32(at, true))
  }

  child(index: number): string {
    this.#charge(AGENT_GAS.child)
    return childId(this.#process, this.#slot, index)
  }

  log(text: string): void {
    this.#charge(AGENT_GAS.logLine + AGENT_GAS.logByte * text.length)
    if (this.#characters > LOG_MAX_CHARACTERS) return
    this.#characters += text.length + 1
    this.lines.push(text)
  }

  looked(steps: number): void {
    this.#charge(AGENT_GAS.jsonStep * steps)
  }

  handed(bytes: number): void {
    this.#charge(AGENT_GAS.deliverByte * bytes)
  }

  #charge(gas: number): void {
    this.gas += gas
    if (this.gas > this.#gasMax) throw new GuestStop('out-of-gas', 'host calls passed the gas limit')
  }
}
