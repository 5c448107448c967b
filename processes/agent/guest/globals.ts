import { URL, URLSearchParams } from 'whatwg-url-without-unicode'
import { agent } from './agent.ts'
import { absentDigest } from './absent.ts'
import { AgentError } from './agent-error.ts'
import { clone } from './clone.ts'
import { format } from './format.ts'
import { LATEST_MS } from './from-now.ts'
import { host } from './host.ts'
import { Utf8Decoder, Utf8Encoder } from './text-codecs.ts'
import { sleepFor } from './wake.ts'

const RANDOM_MAX_BYTES = 65_536
const TWO_32 = 2 ** 32

/** 53 random bits as a number below 1, like the engine's own. */
function random(): number {
  return ((host.random() >>> 5) * 2 ** 26 + (host.random() >>> 6)) / 2 ** 53
}

function getRandomValues<T extends ArrayBufferView>(view: T): T {
  if (view.byteLength > RANDOM_MAX_BYTES)
    throw new AgentError('bad-call', `getRandomValues gives ${RANDOM_MAX_BYTES} bytes at most`)
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
  for (let at = 0; at < bytes.length; at += 4) {
    const bits = host.random()
    for (let byte = 0; byte < 4 && at + byte < bytes.length; byte++) bytes[at + byte] = bits >>> (8 * byte)
  }
  return view
}

function randomUUID(): string {
  const bytes = getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

const SUBTLE =
  'digest encrypt decrypt sign verify generateKey importKey exportKey deriveKey deriveBits wrapKey unwrapKey'.split(' ')

/**
 * Its functions would wait for another thread. To look for them, to write it to a log and to await it harms nobody; what calls one has a promise that is
 * rejected, as from others that cannot do what they are asked.
 */
const subtle: unknown = new Proxy(
  {},
  {
    get(_, property) {
      const name = String(property)
      if (!SUBTLE.includes(name)) return undefined
      return async () => {
        throw new AgentError('unavailable', absentDigest(name))
      }
    },
  },
)

const log = (...values: unknown[]): void => host.log(format(values))

const later =
  (isRepeated: boolean) =>
  (code: (...values: unknown[]) => void, ms?: unknown, ...values: unknown[]): number => {
    if (typeof code !== 'function') throw new AgentError('bad-call', 'expected a function to call later')
    // As elsewhere: whatever is no time is none.
    const wait = Math.min(Math.max(0, Number(ms) || 0), LATEST_MS)
    return sleepFor(undefined, wait, () => code(...values), { isRepeated })
  }

/** What it throws is told like a rejection that nobody handles: thrown by the engine itself, it would be the end of the slot. */
function queueMicrotask(code: () => void): void {
  if (typeof code !== 'function') throw new AgentError('bad-call', 'expected a function to call soon')
  void Promise.resolve().then(() => code())
}

const forget = (number: number): void => {
  agent.sleeps.delete(number)
}

/** What programs expect to find and the engine has not, or not repeatably. */
export function installGlobals(): void {
  const given = {
    console: { log, info: log, warn: log, error: log, debug: log, trace: log },
    crypto: { getRandomValues, randomUUID, subtle },
    structuredClone: (value: unknown) => clone(value),
    TextEncoder: Utf8Encoder,
    TextDecoder: Utf8Decoder,
    URL,
    URLSearchParams,
    setTimeout: later(false),
    setInterval: later(true),
    clearTimeout: forget,
    clearInterval: forget,
    queueMicrotask,
  }
  for (const [name, value] of Object.entries(given)) {
    Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
  }
  Math.random = random
}

/** Bits of one number: the host's answer is checked once, here. */
export function checkHost(): void {
  const bits = host.random()
  if (!(bits >= 0 && bits < TWO_32)) throw new Error('expected 32 random bits')
}
