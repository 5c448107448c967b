import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { CONNECTIONS_CROWDED, CONNECTIONS_MAX, PIPELINED_MAX } from '../protocol/index.ts'

/** One request of a socket, and how its answer is begun. */
interface Asked {
  readonly request: IncomingMessage
  readonly answer: () => void
}

/**
 * The sockets of clients, those on which nothing has happened for longest first.
 *
 * 1. Once they are many, each new one takes the place of the first on which no whole request is being answered: who opens sockets and
 *    says nothing, or says it slowly, keeps nobody out.
 * 2. Once they are as many as may be, whoever has most of them gives one to a newcomer who has fewer: a stranger who waits on all of
 *    them for what never comes keeps nobody out. Behind a proxy all are one, and newcomers are refused.
 * 3. What is asked on one socket is answered in turn: all answers of one that takes none would wait in memory, and a thousand requests
 *    fit one packet.
 */
export class Connections {
  /** What was asked on each and is not answered yet; the first of it is being answered. */
  readonly #asked = new Map<Socket, Asked[]>()
  readonly #crowded: number
  readonly #max: number

  constructor(crowded: number = CONNECTIONS_CROWDED, max: number = CONNECTIONS_MAX) {
    this.#crowded = crowded
    this.#max = max
  }

  get size(): number {
    return this.#asked.size
  }

  add(socket: Socket): void {
    if (this.#asked.size >= this.#crowded && !this.#closeSilent() && this.#asked.size >= this.#max)
      if (!this.#takeFromGreediest(socket)) return void socket.destroy()
    this.#asked.set(socket, [])
    socket.once('close', () => this.#asked.delete(socket))
  }

  /** Has `answer` called once all that was asked before on the same socket is answered. */
  begin(request: IncomingMessage, answer: () => void): void {
    const { socket } = request
    const asked = this.#asked.get(socket)
    if (asked === undefined) return
    if (asked.length > PIPELINED_MAX) {
      socket.destroy()
      return
    }
    asked.push({ request, answer })
    if (asked.length === 1) answer()
  }

  /** The request that was being answered on this socket has its answer. */
  end({ socket }: IncomingMessage): void {
    const asked = this.#asked.get(socket)
    if (asked === undefined) return
    asked.shift()
    this.#asked.delete(socket)
    this.#asked.set(socket, asked)
    if (socket.writable) asked[0]?.answer()
  }

  /** Closes those on which nothing is asked. */
  closeIdle(): void {
    for (const [socket, asked] of this.#asked) if (asked.length === 0) socket.destroy()
  }

  /** Closes the first on which no whole request is being answered; false if there is none. */
  #closeSilent(): boolean {
    for (const [socket, asked] of this.#asked) {
      if (asked.some(({ request }) => request.complete)) continue
      this.#close(socket)
      return true
    }
    return false
  }

  /** Closes the first socket of the address that has most; false if that would not be fairer. */
  #takeFromGreediest(newcomer: Socket): boolean {
    const byAddress = new Map<string | undefined, Socket[]>()
    for (const socket of this.#asked.keys()) {
      const sockets = byAddress.get(socket.remoteAddress)
      if (sockets === undefined) byAddress.set(socket.remoteAddress, [socket])
      else sockets.push(socket)
    }
    const most = [...byAddress.values()].reduce((a, b) => (b.length > a.length ? b : a), [])
    const [first] = most
    const own = byAddress.get(newcomer.remoteAddress)?.length ?? 0
    if (first === undefined || most.length <= own + 1) return false
    this.#close(first)
    return true
  }

  #close(socket: Socket): void {
    this.#asked.delete(socket)
    socket.destroy()
  }
}
