/**
 * Makes `signatures.json`: signatures on which libraries are known to differ, each with the verdict
 * that our rules demand, worked out here from the curve's equations and not by the code under test.
 * Frozen: `node test/vectors/make/signatures.ts > test/vectors/signatures.json`
 */
import { ed25519Cases } from './ed25519-cases.ts'
import { rsaPssCases } from './rsa-cases.ts'
import { secp256k1Cases, secp256k1RecoverCases } from './secp256k1-cases.ts'

const vectors = {
  about: 'signatures on which libraries differ, with the verdict our rules demand; hex',
  ed25519: ed25519Cases(),
  secp256k1: secp256k1Cases(),
  secp256k1Recover: secp256k1RecoverCases(),
  rsaPssSha256: rsaPssCases(),
}
console.log(JSON.stringify(vectors, null, 1))
