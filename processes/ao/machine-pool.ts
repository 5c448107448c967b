import type { Image } from './image.ts'
import { type LoadedModule, Machine } from './machine.ts'
import { decodeGlobals } from './engine-state.ts'

/**
 * Instances kept for the next guest: a few megabytes each. A new one has a memory of a hundred,
 * mostly never touched, which the engine counts all the same: it collects garbage for each.
 */
const IDLE_MAX = 8

/** Gives out instances in the state of the image. */
export class MachinePool {
  readonly #loaded: LoadedModule
  readonly #image: Image
  readonly #idle: Machine[] = []

  constructor(loaded: LoadedModule, image: Image) {
    this.#loaded = loaded
    this.#image = image
  }

  take(): Machine {
    const machine = this.#idle.pop() ?? this.#boot()
    decodeGlobals(this.#image.snapshot.engine, machine.globals)
    return machine
  }

  /** Takes back an instance whose memory holds the image again; one that grew is let go. */
  give(machine: Machine): void {
    const fits = machine.memory.pages === this.#image.snapshot.pages
    if (fits && this.#idle.length < IDLE_MAX) this.#idle.push(machine)
  }

  clear(): void {
    this.#idle.length = 0
  }

  #boot(): Machine {
    const machine = new Machine(this.#loaded)
    machine.addPages(this.#image.snapshot.pages - machine.memory.pages)
    for (const [index, chunk] of this.#image.boot) machine.memory.setChunk(index, chunk)
    return machine
  }
}
