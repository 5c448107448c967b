/**
 * Checks assignments as AO's clients see them, with nothing but this file and node:crypto: form,
 * nonces, hash chain, ids and Ed25519 signatures over the ANS-104 deep hash.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'

interface Tag {
  readonly name: string
  readonly value: string
}

export interface SeenAssignment {
  readonly id: string
  readonly owner: { readonly key: string }
  readonly tags: readonly Tag[]
  readonly signature: string
  readonly anchor: string
}

const sha256 = (...parts: readonly Buffer[]): Buffer => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
const sha384 = (...parts: readonly Buffer[]): Buffer => createHash('sha384').update(Buffer.concat(parts)).digest()
const bytes = (text: string): Buffer => Buffer.from(text, 'base64url')

/** The first thing that is wrong with assignments 0, 1, 2, … of a process; nothing if all is well. */
export function findFault(process: string, assignments: readonly SeenAssignment[]): string | undefined {
  let hash = sha256(bytes(process))
  let last = 0
  for (const [nonce, seen] of assignments.entries()) {
    const tag = (name: string): string | undefined => seen.tags.find(entry => entry.name === name)?.value
    const at = `nonce ${nonce}`
    if (tag('Process') !== process) return `${at}: of another process`
    if (tag('Nonce') !== String(nonce)) return `${at}: stands there as ${tag('Nonce')}`
    if (tag('Type') !== 'Assignment' || tag('Data-Protocol') !== 'ao') return `${at}: is no assignment`
    if (tag('Hash-Chain') !== hash.toString('base64url')) return `${at}: hash chain broken`
    const timestamp = Number(tag('Timestamp'))
    if (!(timestamp >= last)) return `${at}: time runs backwards`
    last = timestamp
    const signature = bytes(seen.signature)
    if (sha256(signature).toString('base64url') !== seen.id) return `${at}: id is not of its signature`
    if (!isSigned(seen, signature)) return `${at}: signature does not hold`
    hash = sha256(bytes(seen.id), hash)
  }
  return undefined
}

function isSigned(seen: SeenAssignment, signature: Buffer): boolean {
  const owner = bytes(seen.owner.key)
  const anchor = Buffer.from(seen.anchor, 'utf8')
  if (anchor.length !== 32 || owner.length !== 32) return false
  const none = Buffer.alloc(0)
  const fields = [
    Buffer.from('dataitem'),
    Buffer.from('1'),
    Buffer.from('2'),
    owner,
    none,
    anchor,
    avro(seen.tags),
    none,
  ]
  let hash = sha384(Buffer.from(`list${fields.length}`))
  for (const field of fields) hash = sha384(hash, sha384(sha384(Buffer.from(`blob${field.length}`)), sha384(field)))
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: seen.owner.key },
    format: 'jwk',
  })
  return verify(null, hash, key, signature)
}

function avro(tags: readonly Tag[]): Buffer {
  const texts = tags.flatMap(({ name, value }) => [Buffer.from(name), Buffer.from(value)])
  const parts = texts.flatMap(text => [long(text.length), text])
  return Buffer.concat([long(tags.length), ...parts, long(0)])
}

function long(value: number): Buffer {
  const out: number[] = []
  let rest = value * 2
  for (; rest > 127; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128)
  return Buffer.from([...out, rest])
}
