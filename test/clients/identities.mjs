import { authenticator } from './authenticator.mjs'

/**
 * One identity of each kind of a client: nobody, the owner, the curves, a delegation of the owner, an authenticator.
 * @param library its classes: releases are packages of their own
 */
export async function everyIdentity(library, owner) {
  const { DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } = library
  const { Secp256k1KeyIdentity, WebAuthnIdentity } = library
  const session = Ed25519KeyIdentity.generate()
  const chain = await DelegationChain.create(owner, session.getPublicKey(), new Date(Date.now() + 3_600_000))
  const { id, cose, credentials } = authenticator()
  Object.defineProperty(navigator, 'credentials', { value: credentials })
  return [
    undefined,
    owner,
    Secp256k1KeyIdentity.generate(),
    await ECDSAKeyIdentity.generate(),
    DelegationIdentity.fromDelegation(session, chain),
    new WebAuthnIdentity(id, cose, undefined),
  ]
}
