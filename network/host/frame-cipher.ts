import type { ICryptoInterface } from '@libp2p/noise'
import { defaultCrypto } from '@libp2p/noise/crypto'

/** What shows whether a sealed frame was changed. */
export const TAG_BYTES = 16

/** What encrypts each frame of a connection: ChaCha20-Poly1305 as in RFC 8439, without associated data. */
export interface FrameCipher {
  /** The bytes in secret, and behind them the tag. */
  seal(plain: Uint8Array, nonce: Uint8Array, key: Uint8Array): Uint8Array
  /** Puts them into `into`, which may lie where the sealed bytes lie. @throws if they were changed */
  open(sealed: Uint8Array, nonce: Uint8Array, key: Uint8Array, into: Uint8Array): void
}

/** What the handshake and all frames of a connection are made with; `cipher` takes over once nothing but frames comes. */
export function noiseCrypto(cipher: FrameCipher): ICryptoInterface {
  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt(plain, nonce, associated, key) {
      // Only messages of the handshake have associated data.
      if (associated.length > 0) return defaultCrypto.chaCha20Poly1305Encrypt(plain, nonce, associated, key)
      return cipher.seal(plain.subarray(), nonce, key)
    },
    chaCha20Poly1305Decrypt(sealed, nonce, associated, key, into) {
      if (associated.length > 0) return defaultCrypto.chaCha20Poly1305Decrypt(sealed, nonce, associated, key, into)
      const plain = into ?? new Uint8Array(sealed.byteLength - TAG_BYTES)
      cipher.open(sealed.subarray(), nonce, key, plain)
      return plain
    },
  }
}
