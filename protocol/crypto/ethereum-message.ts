import { concatBytes, fromHex, toUtf8 } from '../codec/bytes.ts'
import { keccak256 } from './crypto.ts'

const PERSONAL_PREFIX = '\x19Ethereum Signed Message:\n'
const TYPED_PREFIX = Uint8Array.of(0x19, 0x01)

/** The hash a wallet signs for `personal_sign` (EIP-191, version 0x45): 32 bytes. */
export function ethereumMessageHash(message: Uint8Array): Uint8Array {
  return keccak256(concatBytes(toUtf8(PERSONAL_PREFIX + message.length), message))
}

interface TypedConstants {
  readonly domain: Uint8Array
  readonly type: Uint8Array
}

let typedConstants: TypedConstants | undefined

/**
 * The hash a wallet signs for an item of type 7 (EIP-712): domain `Bundlr` version 1, one struct
 * `Bundlr(bytes Transaction hash,address address)`; `address` is 40 hex digits.
 */
export function typedMessageHash(message: Uint8Array, address: string): Uint8Array {
  typedConstants ??= makeTypedConstants()
  const { domain, type } = typedConstants
  const paddedAddress = fromHex(address.padStart(64, '0'))
  const struct = keccak256(concatBytes(type, keccak256(message), paddedAddress))
  return keccak256(concatBytes(TYPED_PREFIX, domain, struct))
}

function makeTypedConstants(): TypedConstants {
  const hashText = (text: string): Uint8Array => keccak256(toUtf8(text))
  const domainType = hashText('EIP712Domain(string name,string version)')
  return {
    domain: keccak256(concatBytes(domainType, hashText('Bundlr'), hashText('1'))),
    type: hashText('Bundlr(bytes Transaction hash,address address)'),
  }
}
