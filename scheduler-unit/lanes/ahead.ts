/** What all processes of a scheduler together may hold of pushes whose cause is not durable. */
export const AHEAD_MAX_BYTES = 64 * 1024 * 1024

/** How far chains of messages are ahead of the disk, of all processes together: who is slow must not have them fill the memory. */
export class Ahead {
  #bytes = 0

  /** Whether what comes from something that is not durable has to wait for that. */
  get isFull(): boolean {
    return this.#bytes >= AHEAD_MAX_BYTES
  }

  add(bytes: number): void {
    this.#bytes += bytes
  }

  /** Their slot is durable, or they have none. */
  remove(bytes: number): void {
    this.#bytes -= bytes
  }
}
