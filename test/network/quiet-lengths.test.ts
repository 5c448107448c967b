import type { ConnectionEncrypter } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { quietLengths } from '../../network/host/quiet-lengths.ts'

type Read = (data: Uint8Array) => number

async function readerOf(connection: object): Promise<{ readonly decoder?: { readonly lengthDecoder: Read } }> {
  const secure = async () => ({ connection })
  const create = quietLengths(
    () => ({ secureInbound: secure, secureOutbound: secure }) as unknown as ConnectionEncrypter,
  )
  return (await create({}).secureInbound({} as never)).connection as never
}

it('reads the length of a frame, and makes no new error where there is none yet', async () => {
  const { decoder } = await readerOf({ decoder: { lengthDecoder: () => 0 } })
  expect(decoder?.lengthDecoder(new Uint8Array([1, 2, 3]))).toBe(258)
  const errors = [[], [1]].map(bytes => {
    try {
      return decoder?.lengthDecoder(new Uint8Array(bytes))
    } catch (error) {
      return error
    }
  })
  expect(errors[0]).toBeInstanceOf(RangeError)
  expect(errors[1]).toBe(errors[0])
})

it('leaves connections of other kinds as they are', async () => {
  const connection = {}
  expect(await readerOf(connection)).toBe(connection)
  expect(connection).toEqual({})
})
