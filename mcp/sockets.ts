import type { Socket } from 'node:net'

/**
 * The sockets of clients. When all places are taken, a newcomer has that of the one on which nothing admitted has been asked for
 * longest: who shows no token keeps nobody out. Where all are being answered, the newcomer is closed.
 */
export class Sockets {
  /** Those on which nothing admitted is being answered, the longest first. */
  readonly #idle = new Set<Socket>()
  readonly #busy = new Set<Socket>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  add(socket: Socket): void {
    if (this.#idle.size + this.#busy.size >= this.#max) {
      const [longest = socket] = this.#idle
      this.#idle.delete(longest)
      longest.destroy()
      if (longest === socket) return
    }
    this.#idle.add(socket)
    socket.once('close', () => {
      this.#idle.delete(socket)
      this.#busy.delete(socket)
    })
  }

  /** A request was admitted on that socket. */
  begin(socket: Socket): void {
    if (this.#idle.delete(socket)) this.#busy.add(socket)
  }

  /** It has its answer. */
  end(socket: Socket): void {
    if (this.#busy.delete(socket)) this.#idle.add(socket)
  }
}
