import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { CONNECTIONS_CROWDED, CONNECTIONS_MAX } from '../protocol/index.ts'

/**
 * The sockets of clients, those on which nothing has happened for longest first. Once they are many, each new one takes the place
 * of the first on which no whole request is being answered: who opens sockets and says nothing, or says it slowly, keeps nobody out.
 */
export class Connections {
  /** What was asked on each and is not answered yet. */
  readonly #asked = new Map<Socket, Set<IncomingMessage>>()
  readonly #crowded: number

  constructor(crowded: number = CONNECTIONS_CROWDED) {
    this.#crowded = Math.min(crowded, CONNECTIONS_MAX)
  }

  get size(): number {
    return this.#asked.size
  }

  add(socket: Socket): void {
    if (this.#asked.size >= this.#crowded) this.#makeRoom()
    this.#asked.set(socket, new Set())
    socket.once('close', () => this.#asked.delete(socket))
  }

  begin(request: IncomingMessage): void {
    this.#asked.get(request.socket)?.add(request)
  }

  end(request: IncomingMessage): void {
    const { socket } = request
    const asked = this.#asked.get(socket)
    if (asked === undefined) return
    asked.delete(request)
    this.#asked.delete(socket)
    this.#asked.set(socket, asked)
  }

  /** Closes those on which nothing is asked. */
  closeIdle(): void {
    for (const [socket, asked] of this.#asked) if (asked.size === 0) socket.destroy()
  }

  #makeRoom(): void {
    for (const [socket, asked] of this.#asked) {
      if ([...asked].some(({ complete }) => complete)) continue
      this.#asked.delete(socket)
      socket.destroy()
      return
    }
  }
}
