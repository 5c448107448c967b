/** Run as a child process under one set of engine flags; prints what must not depend on them. */
import { createHash } from 'node:crypto'
import { type Guest, start, wat } from '../wat.ts'
import { nanKernel } from './nan-kernel.ts'
import { recursions } from './recursion.ts'

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const LIMIT = 1n << 40n

function observe(guest: Guest, act: () => unknown) {
  guest.gas = LIMIT
  guest.depth = 0
  let outcome: string
  try {
    outcome = String(act())
  } catch (error) {
    outcome = error instanceof RangeError ? 'stack overflow' : String(error)
  }
  return { outcome, gas: String(LIMIT - guest.gas), depth: guest.depth }
}

function nans() {
  const guest = start(wat(nanKernel()))
  // The first round is cold, later ones may run in another tier.
  const rounds = [1, 3, 2000, 1].map(count => ({
    ...observe(guest, () => guest.call('run', count)),
    memory: hash(guest.memory),
    dirty: hash(guest.dirtyMap),
    f32: String(guest.global('atoll:global:1').value),
    f64: String(guest.global('atoll:global:2').value),
  }))
  return rounds
}

/** Twice each: the second time hotter. */
function depths() {
  return [...recursions()].map(([name, text]) => {
    const guest = start(wat(text), { frameSlotsMax: 65_536 })
    const once = () => observe(guest, () => guest.call('run'))
    return { name, first: once(), second: once() }
  })
}

/** The module as it was: what the rewriter is there to prevent. */
function original(): string {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wat(nanKernel())))
  const { memory, run } = instance.exports
  if (!(memory instanceof WebAssembly.Memory) || typeof run !== 'function') throw new Error('kernel')
  run(1)
  return hash(new Uint8Array(memory.buffer))
}

process.stdout.write(JSON.stringify({ nans: nans(), depths: depths(), original: original() }))
