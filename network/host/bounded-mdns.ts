import dgram from 'node:dgram'

/** What mDNS calls a message at most (RFC 6762, 17). */
const MESSAGE_MAX_BYTES = 9_000
/** The worst kilobyte takes a millisecond to read. */
const BYTES_PER_SECOND_MAX = 64 * 1024

/** How much of what comes from anybody in the local network is read: nobody has to prove a key before it is. */
export class DatagramGate {
  readonly #now: () => number
  #left = BYTES_PER_SECOND_MAX
  #atMs: number
  /** Messages that were not read, since the start. */
  refused = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
    this.#atMs = now()
  }

  /** Whether a message is to be read; counts it. */
  takes(bytes: number): boolean {
    const nowMs = this.#now()
    this.#left = Math.min(BYTES_PER_SECOND_MAX, this.#left + ((nowMs - this.#atMs) * BYTES_PER_SECOND_MAX) / 1_000)
    this.#atMs = nowMs
    const isTaken = bytes <= MESSAGE_MAX_BYTES && bytes <= this.#left
    if (isTaken) this.#left -= bytes
    else this.refused += 1
    return isTaken
  }
}

interface Discovering {
  start(): Promise<void>
}

/** Has a search of the local network read no more than `gate` takes. */
export function boundMdns<Components, Made>(
  create: (components: Components) => Made,
  gate = new DatagramGate(),
): (components: Components) => Made {
  return components => {
    const service = create(components)
    if (!isDiscovering(service)) throw new TypeError('expected what searches once it is started')
    const start = service.start.bind(service)
    service.start = () => withSockets(socket => guard(socket, gate), start)
    return service
  }
}

/** Sees each socket that `open` makes before it returns: the library makes it itself, and takes none. */
function withSockets<T>(made: (socket: dgram.Socket) => void, open: () => T): T {
  const { createSocket } = dgram
  dgram.createSocket = (...args: unknown[]) => {
    const socket = Reflect.apply(createSocket, dgram, args)
    made(socket)
    return socket
  }
  try {
    return open()
  } finally {
    dgram.createSocket = createSocket
  }
}

function guard(socket: dgram.Socket, gate: DatagramGate): void {
  const emit = socket.emit.bind(socket) as (name: string, ...args: readonly unknown[]) => boolean
  const guarded = (name: string, ...args: readonly unknown[]): boolean => {
    const [message] = args
    return name === 'message' && message instanceof Uint8Array && !gate.takes(message.length)
      ? false
      : emit(name, ...args)
  }
  Object.assign(socket, { emit: guarded })
}

const isDiscovering = (service: unknown): service is Discovering =>
  typeof (service as Partial<Discovering> | undefined)?.start === 'function'
