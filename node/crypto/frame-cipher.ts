import sodium from 'sodium-native'
import { type FrameCipher, TAG_BYTES } from '../../network/index.ts'

/** By libsodium, for a tenth of what OpenSSL takes through Node, which makes an object for each frame. */
export const nativeFrameCipher: FrameCipher = {
  seal(plain, nonce, key) {
    const sealed = Buffer.allocUnsafe(plain.length + TAG_BYTES)
    sodium.crypto_aead_chacha20poly1305_ietf_encrypt(sealed, plain, null, null, nonce, key)
    return sealed
  },
  open(sealed, nonce, key, into) {
    sodium.crypto_aead_chacha20poly1305_ietf_decrypt(into, null, sealed, null, nonce, key)
  },
}
