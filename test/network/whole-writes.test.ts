import { Socket } from 'node:net'
import type { ConnectionEncrypter } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { writingWhole } from '../../network/host/whole-writes.ts'
import { concatBytes } from '../../protocol/index.ts'

/** A socket on paper: what the system is given, and in how many calls. */
class PaperSocket extends Socket {
  readonly calls: string[] = []

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.calls.push(chunk.toString())
    done()
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], done: () => void): void {
    this.calls.push(Buffer.concat(chunks.map(({ chunk }) => chunk)).toString())
    done()
  }
}

/** As libp2p has bytes in pieces. */
const pieces = (...texts: readonly string[]) => ({
  subarray: () => concatBytes(...texts.map(text => Buffer.from(text))),
})

async function secured() {
  const socket = new PaperSocket()
  const connection = { socket, send: (data: Uint8Array) => socket.write(data) }
  const create = writingWhole(
    () =>
      ({
        secureOutbound: async () => undefined,
        secureInbound: async () => undefined,
      }) as unknown as ConnectionEncrypter,
  )
  await create({}).secureOutbound(connection as never)
  const send = connection.send as unknown as (data: ReturnType<typeof pieces>) => boolean
  return { socket, send }
}

it('writes frames that come together in one call, and each by itself otherwise', async () => {
  const { socket, send } = await secured()
  send(pieces('2', 'ab'))
  send(pieces('1', 'c'))
  expect(socket.calls).toEqual([])
  await new Promise(process.nextTick)
  expect(socket.calls).toEqual(['2ab1c'])
  send(pieces('3', 'def'))
  await new Promise(process.nextTick)
  expect(socket.calls).toEqual(['2ab1c', '3def'])
})
