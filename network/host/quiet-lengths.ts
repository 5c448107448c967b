import type { ConnectionEncrypter } from '@libp2p/interface'
import { aroundSecure } from './around-secure.ts'

/** What noise reads the lengths of frames with. */
interface Decoder {
  lengthDecoder(data: Bytes): number
}

/** Bytes as libp2p gathers them. */
interface Bytes {
  readonly length: number
  subarray(from: number, to: number): Uint8Array
}

/** Thrown again and again: what is slow is to note where an error was made. */
const TOO_SHORT = new RangeError('the length of the next frame is not there yet')

/**
 * Has noise find out for less that no further frame has come: it asks the reader of lengths, which fails, after each piece that a socket
 * gives. A new error each time took a node a fiftieth of all it did.
 */
export function quietLengths<Components, Encrypter extends ConnectionEncrypter>(
  create: (components: Components) => Encrypter,
): (components: Components) => Encrypter {
  return aroundSecure(create, secure => async (connection, ...more) => {
    const secured = await secure(connection, ...more)
    const { decoder } = secured.connection as { readonly decoder?: Partial<Decoder> }
    if (typeof decoder?.lengthDecoder === 'function') decoder.lengthDecoder = lengthOf
    return secured
  })
}

/** The two bytes of a length. @throws {RangeError} if they are not there, as noise expects it */
function lengthOf(data: Bytes): number {
  if (data.length < 2) throw TOO_SHORT
  const [high = 0, low = 0] = data.subarray(0, 2)
  return high * 256 + low
}
