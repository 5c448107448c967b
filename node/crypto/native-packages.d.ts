/** What we use of two packages that bring no declarations. */
declare module 'sodium-native' {
  const sodium: {
    readonly crypto_hash_sha512_STATEBYTES: number
    crypto_hash_sha512_update(state: Uint8Array, input: Uint8Array): void
    crypto_hash_sha512_final(state: Uint8Array, output: Uint8Array): void
    crypto_generichash(output: Uint8Array, input: Uint8Array): void
    crypto_sign_seed_keypair(publicKey: Uint8Array, secretKey: Uint8Array, seed: Uint8Array): void
    crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
    crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
    crypto_aead_chacha20poly1305_ietf_encrypt(
      sealed: Uint8Array,
      plain: Uint8Array,
      associated: Uint8Array | null,
      unused: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): void
    crypto_aead_chacha20poly1305_ietf_decrypt(
      plain: Uint8Array,
      unused: null,
      sealed: Uint8Array,
      associated: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): void
  }
  export default sodium
}

declare module 'secp256k1' {
  const secp256k1: {
    publicKeyCreate(secret: Uint8Array, compressed: boolean): Uint8Array
    ecdsaSign(hash: Uint8Array, secret: Uint8Array): { signature: Uint8Array; recid: number }
    ecdsaVerify(signature: Uint8Array, hash: Uint8Array, publicKey: Uint8Array): boolean
    ecdsaRecover(signature: Uint8Array, recoveryId: number, hash: Uint8Array, compressed: boolean): Uint8Array
  }
  export default secp256k1
}
