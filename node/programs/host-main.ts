// The program of a compute host: guests run here, behind a pipe. No keys, no configuration, no network.
import { readSync, writeSync } from 'node:fs'
import { runHost } from '../../compute-unit/index.ts'
import { RUNTIMES } from '../../processes/index.ts'
import { installCrypto } from '../../protocol/index.ts'
import { hostCrypto } from '../crypto/host-crypto.ts'
import { collectYoung, returnMemory } from '../memory/return-memory.ts'

const READ_BYTES = 1024 * 1024

function* input(): Iterable<Uint8Array> {
  const buffer = new Uint8Array(READ_BYTES)
  for (;;) {
    const count = readSync(0, buffer)
    if (count === 0) return
    // A copy: packets are views on it and outlive the next read.
    yield buffer.slice(0, count)
  }
}

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
}

installCrypto(hostCrypto)
// This program never comes back to the event loop, where the engine would find time to tidy up by itself.
runHost({ input: input(), write, rest: returnMemory, tidy: collectYoung }, RUNTIMES)
