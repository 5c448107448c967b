import type { CandidPrimitive } from './candid-value.ts'

/** How a message names a type: by itself, or by its place in the table. */
export type TypeReference = CandidPrimitive | number

/** A type in the table of a message. */
export type TableType =
  | { readonly kind: 'opt' | 'vec'; readonly inner: TypeReference }
  | { readonly kind: 'record' | 'variant'; readonly fields: readonly (readonly [label: number, type: TypeReference])[] }
  | { readonly kind: 'func' | 'service' }
