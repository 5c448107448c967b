// A compute host that knows the formats `paper` and `breaking` besides those of the node.
import { createHash, hash } from 'node:crypto'
import { readSync, writeSync } from 'node:fs'
import { runHost } from '../../compute-unit/index.ts'
import { RUNTIMES } from '../../processes/index.ts'
import { installCrypto } from '../../protocol/index.ts'
import { breakingRuntime } from './breaking-runtime.ts'
import { paperRuntime } from './paper-runtime.ts'

function* input(): Iterable<Uint8Array> {
  const buffer = new Uint8Array(1024 * 1024)
  for (;;) {
    const count = readSync(0, buffer)
    if (count === 0) return
    yield buffer.slice(0, count)
  }
}

function write(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at)
}

installCrypto({
  sha256: bytes => hash('sha256', bytes, 'buffer'),
  sha384: bytes => createHash('sha384').update(bytes).digest(),
})
runHost({ input: input(), write }, [...RUNTIMES, paperRuntime, breakingRuntime])
