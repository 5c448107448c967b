import { type DataItem, installCrypto, signDataItemSync, type Tag } from '../../protocol/index.ts'
import { nativeCrypto } from '../../node/index.ts'

installCrypto(nativeCrypto)

/** A secret that is the same for the same number. */
export const seedOf = (number: number): Uint8Array => new Uint8Array(32).fill(number)

/** Tags from an object. */
export const tagsOf = (tags: Readonly<Record<string, string>>): Tag[] =>
  Object.entries(tags).map(([name, value]) => ({ name, value }))

let unique = 0

interface ItemParts {
  readonly target?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly extraTags?: readonly Tag[]
  readonly data?: string | Uint8Array
  readonly signer?: number
}

function sign(type: string, { target, tags = {}, extraTags = [], data = '', signer = 7 }: ItemParts): DataItem {
  unique += 1
  const all = [...tagsOf({ 'Data-Protocol': 'ao', Type: type, Unique: String(unique), ...tags }), ...extraTags]
  return signDataItemSync({ ...(target === undefined ? {} : { target }), tags: all, data }, seedOf(signer))
}

/** A signed message; no two are the same. */
export const messageItem = (target: string, parts: Omit<ItemParts, 'target'> = {}): DataItem =>
  sign('Message', { target, ...parts })

/** A signed spawn. */
export const spawnItem = (module: string, scheduler: string, parts: Omit<ItemParts, 'target'> = {}): DataItem =>
  sign('Process', { ...parts, tags: { Module: module, Scheduler: scheduler, ...parts.tags } })

/** A signed control message; no two are the same. */
export const controlItem = (
  target: string,
  tags: readonly Tag[],
  parts: { signer?: number; data?: string | Uint8Array } = {},
): DataItem => sign('Control', { target, extraTags: tags, ...parts })

/** A signed module. */
export const moduleItem = (wasm: Uint8Array, tags: readonly Tag[]): DataItem =>
  sign('Module', { extraTags: tags, data: wasm })

/** An item whose fields are exactly these. */
export const rawItem = (
  fields: { target?: string; tags: readonly Tag[]; data?: string | Uint8Array },
  signer = 7,
): DataItem => signDataItemSync({ data: '', ...fields }, seedOf(signer))
