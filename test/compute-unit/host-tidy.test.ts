import { expect, it } from 'vitest'
import { runHost } from '../../compute-unit/index.ts'
import { PacketWriter } from '../../compute-unit/hosts/packet-stream.ts'
import type { HostRequest } from '../../compute-unit/hosts/host-words.ts'
import { writeRequest } from '../../compute-unit/hosts/request-packets.ts'
import { canisterRuntime } from '../../processes/index.ts'
import {
  asModuleId,
  decodeEnvelope,
  describeProcess,
  emptyCanisterModule,
  encodeEnvelope,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { spawnItem } from '../fakes/signed-items.ts'

const MODULE = asModuleId(emptyCanisterModule().id)
const PROCESSES = 20

it('a host puts away what processes leave that were opened, once it has answered', () => {
  const packet = (number: number, request: HostRequest): Uint8Array => {
    const writer = new PacketWriter()
    writer.add(one => writeRequest(one, number, request))
    return writer.finish()
  }
  const wasm = emptyCanisterModule().data
  const module = { id: MODULE, owner: '', format: 'canister', tags: [], wasm }
  const opens = Array.from({ length: PROCESSES }, (_, at) => {
    const spawn = encodeEnvelope({
      kind: 'item',
      item: spawnItem(MODULE, keyOf(1), { tags: { At: String(at) } }).bytes,
    })
    const process = describeProcess(decodeEnvelope(spawn)).id
    return packet(at + 2, { kind: 'open', process, module: MODULE, spawn, snapshot: undefined })
  })
  let written = 0
  const tidied: number[] = []
  const pipe = {
    input: [packet(1, { kind: 'load', module }), ...opens],
    write: () => {
      written += 1
    },
    tidy: () => void tidied.push(written),
  }
  runHost(pipe, [canisterRuntime])
  expect(written).toBe(1 + PROCESSES)
  // The answers to the eighth and the sixteenth had been written, besides that to the module.
  expect(tidied).toEqual([9, 17])
})
