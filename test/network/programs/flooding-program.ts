// Attacks a node: `node flooding-program.ts <kind> <address> <seconds> [yielding]`. Prints how much of it was done, as JSON.
import { connect, type Socket } from 'node:net'
import { constants, setPriority } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FLOODS } from '../flooding.ts'
import type { CborValue } from '../../../protocol/index.ts'
import { type StrangeStream, Stranger, yamuxFrame } from '../stranger.ts'

const [kind = '', address = '', seconds = '1', priority = ''] = process.argv.slice(2)
const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1])
/** When a flood ends that never comes to do anything. */
const BEGUN_MAX_MS = 60_000
const startedMs = performance.now()
let begunMs: number | undefined
let done = 0

/** A flood lasts from the first thing that is done: on a busy machine strangers take seconds to come through at all. */
function isOver(): boolean {
  const nowMs = performance.now()
  if (done > 0) begunMs ??= nowMs
  return nowMs > (begunMs === undefined ? startedMs + BEGUN_MAX_MS : begunMs + Number(seconds) * 1_000)
}

const DIALS_PER_SECOND = 5_000
const DIALS_TURN_MS = 10
const DIALS_AT_ONCE_MAX = 250
/** In one write. Of one that is cut on its way nothing counts as done, so it is no longer than what comes through on a slow machine. */
const FRAMES_AT_ONCE = 500
/** Keys that connect at once, where one alone may do little. */
const STRANGERS = 48
const NO_HANDSHAKE = 'GET / HTTP/1.1\r\n\r\n'
const nothing = (): void => undefined

// Whoever attacks has a machine of his own; who measures has him take what the node leaves of its.
if (priority === 'yielding') setPriority(constants.priority.PRIORITY_LOW)

// Whatever the node does to us is what we asked for.
process.on('uncaughtException', () => undefined)
process.on('unhandledRejection', () => undefined)

/**
 * Sockets that come and go, `DIALS_PER_SECOND` by the clock, from 200 hosts; half of them say something that is no handshake. Each
 * lives for two or three turns: to hold more would be a flood of its own kind.
 */
async function dials(): Promise<void> {
  const startMs = performance.now()
  const generations: Socket[][] = []
  for (let dialled = 0; !isOver(); ) {
    const due = Math.min(dialled + DIALS_AT_ONCE_MAX, ((performance.now() - startMs) * DIALS_PER_SECOND) / 1_000)
    const sockets: Socket[] = []
    for (; dialled < due; dialled++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (dialled % 200)}` })
      const speaks = dialled % 2 === 0
      socket.on('error', nothing)
      socket.once('connect', () => {
        done += 1
        if (speaks) socket.write(NO_HANDSHAKE)
      })
      sockets.push(socket)
    }
    generations.push(sockets)
    for (const socket of generations.length > 3 ? (generations.shift() ?? []) : []) socket.destroy()
    await sleep(DIALS_TURN_MS)
  }
}

/** Sockets that say nothing and stay. */
async function halfOpen(): Promise<void> {
  const sockets: Socket[] = []
  while (!isOver()) {
    while (sockets.length < 2_000) {
      const socket = connect({
        port,
        host: '127.0.0.1',
        localAddress: `127.0.1.${1 + (sockets.length % 200)}`,
      })
      socket.on('error', () => undefined)
      socket.once('close', () => void sockets.splice(sockets.indexOf(socket), 1))
      socket.once('connect', () => {
        done += 1
      })
      sockets.push(socket)
    }
    await sleep(20)
  }
  for (const socket of sockets) socket.destroy()
}

/** Keys that connect as nodes do; a new one when the last was cut. */
async function asPeers(attack: (stranger: Stranger) => Promise<void>): Promise<void> {
  while (!isOver()) {
    try {
      await using stranger = await Stranger.open(address)
      while (!isOver() && stranger.isConnected) await attack(stranger)
    } catch {
      await sleep(20)
    }
  }
}

/** Subscriptions to topics that do not exist, thousands in each message. */
async function subscriptions(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/meshsub/1.1.0')
  for (let round = 0; !isOver() && stream.isOpen; round++) {
    const topics = Array.from({ length: 2_000 }, (_, n) => `/no/such/topic/${round}/${n}`)
    await stream.send(subscriptionMessage(topics))
    done += topics.length
  }
}

/** Streams of every protocol, opened and left. */
async function streams(stranger: Stranger): Promise<void> {
  const protocols = ['/atoll/rpc/1', '/ipfs/ping/1.0.0', '/atoll/heads/1', '/meshsub/1.1.0']
  await Promise.all(
    Array.from({ length: 64 }, async (_, n) => {
      await stranger.open(protocols[n % protocols.length] ?? '')
      done += 1
    }),
  )
}

/** Asks for more than anybody takes, and takes nothing. */
async function slowReaders(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/atoll/rpc/1')
  stream.takeNothing()
  for (let id = 0; !isOver() && stream.isOpen; id++) {
    await stream.send(askNode(id))
    done += 1
    if (id % 64 === 63) await sleep(1)
  }
}

/** Frames that are nothing, behind lengths that promise much. */
async function nonsense(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/atoll/rpc/1')
  const bytes = new Uint8Array(64 * 1024).map((_byte, at) => (at * 31 + done) % 256)
  bytes[0] = 0
  while (!isOver() && stream.isOpen) {
    await stream.send(bytes)
    done += 1
  }
}

/** Requests of which all but the end is sent, as much as anybody takes. */
async function unfinished(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/atoll/rpc/1')
  const part = new Uint8Array(256 * 1024)
  for (let id = 0; !isOver() && stream.isOpen && id < 2; id++) {
    await stream.send(framed([0, id, 'schedule', 0, part, true]))
    for (let n = 0; n < 24 && !isOver() && stream.isOpen; n++) {
      await stream.send(framed([1, id, part, true]))
      done += 1
    }
  }
  await untilCut(stream)
}

/** Frames of which all but the end is sent, as long as any that is taken. */
async function giants(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/atoll/heads/1')
  const piece = new Uint8Array(64 * 1024)
  await stream.send(lengthOf(8 * 1024 * 1024))
  for (let n = 0; n < 127 && !isOver() && stream.isOpen; n++) {
    await stream.send(piece)
    done += 1
  }
  await untilCut(stream)
}

/** A frame of a megabyte, a byte at a time. */
async function trickles(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/atoll/rpc/1')
  await stream.send(lengthOf(1024 * 1024))
  for (; !isOver() && stream.isOpen; done++) {
    await stream.send(Uint8Array.of(1))
    if (done % 64 === 63) await sleep(1)
  }
}

/** A frame of the muxer that says it is 4 GiB long, of a stream that is open, as much of it as anybody takes. */
async function endlessFrames(stranger: Stranger): Promise<void> {
  const stream = await stranger.open('/atoll/rpc/1')
  const piece = new Uint8Array(64 * 1024)
  await stranger.write(yamuxFrame(0, 0, stream.id, 2 ** 32 - 1))
  for (; !isOver() && stranger.isConnected; done++) {
    await stranger.write(piece)
    await sleep(0)
  }
}

/** What must be answered, hundreds in one write; nobody looks at the answers. */
async function signsOfLife(stranger: Stranger): Promise<void> {
  const asked = Buffer.concat(Array.from({ length: FRAMES_AT_ONCE }, (_, n) => yamuxFrame(2, 1, 0, n)))
  for (; !isOver() && stranger.isConnected; done += FRAMES_AT_ONCE) await stranger.write(asked)
}

/** Streams that are opened, and gone before anything is said about them. */
async function resets(stranger: Stranger): Promise<void> {
  for (let id = 100_001; !isOver() && stranger.isConnected; done += FRAMES_AT_ONCE / 2) {
    const frames: Uint8Array[] = []
    for (let n = 0; n < FRAMES_AT_ONCE / 2; n++, id += 2) frames.push(yamuxFrame(1, 1, id, 0), yamuxFrame(1, 8, id, 0))
    await stranger.write(Buffer.concat(frames))
  }
}

async function untilCut(stream: StrangeStream): Promise<void> {
  while (!isOver() && stream.isOpen) await sleep(20)
}

/** As many keys at once as come through in a few seconds. */
const asManyPeers = async (attack: (stranger: Stranger) => Promise<void>): Promise<void> =>
  void (await Promise.all(Array.from({ length: STRANGERS }, () => asPeers(attack))))

/** The framed request `call node`: its answer is tens of kilobytes of limits. */
function askNode(id: number): Uint8Array {
  return framed([0, id, 'call', 0, Stranger.encode(['node', new Map(), new Map(), null]), false])
}

function framed(fields: CborValue): Uint8Array {
  const frame = Stranger.encode(fields)
  return Buffer.concat([lengthOf(frame.length), frame])
}

/** What stands before a frame. */
function lengthOf(bytes: number): Uint8Array {
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, bytes)
  return head
}

/** A message of gossipsub: `{1: [{1: true, 2: topic}]}` in protobuf, behind its length. */
function subscriptionMessage(topics: readonly string[]): Uint8Array {
  const parts = topics.map(topic => {
    const text = Buffer.from(topic)
    const body = Buffer.concat([Buffer.from([0x08, 1, 0x12, text.length]), text])
    return Buffer.concat([Buffer.from([0x0a, body.length]), body])
  })
  const message = Buffer.concat(parts)
  const length: number[] = []
  let rest = message.length
  for (; rest > 127; rest = Math.floor(rest / 128)) length.push((rest % 128) | 0x80)
  return Buffer.concat([Buffer.from([...length, rest]), message])
}

const attacks: Readonly<Record<(typeof FLOODS)[number], () => Promise<void>>> = {
  dials,
  'half-open': halfOpen,
  subscriptions: () => asPeers(subscriptions),
  streams: () => asPeers(streams),
  'slow-readers': () => asPeers(slowReaders),
  nonsense: () => asPeers(nonsense),
  unfinished: () => asManyPeers(unfinished),
  giants: () => asManyPeers(giants),
  trickles: () => asManyPeers(trickles),
  'endless-frames': () => asPeers(endlessFrames),
  'signs-of-life': () => asPeers(signsOfLife),
  resets: () => asPeers(resets),
}

await attacks[kind as (typeof FLOODS)[number]]()
process.stdout.write(`${JSON.stringify({ done })}\n`)
process.exit(0)
