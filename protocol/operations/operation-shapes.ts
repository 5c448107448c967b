import { z } from 'zod'
import type { AnswerRow, BodyRow } from './operation.ts'

/** The words in which rows of the table are written. */

/** An answer that is one value. */
export const json = <S extends z.ZodType>(schema: S) => ({ kind: 'json', schema }) as const satisfies AnswerRow
/** An answer that is bytes. */
export const bytes = (mediaType: string, what: string) =>
  ({ kind: 'bytes', mediaType, what }) as const satisfies AnswerRow
/** An answer that goes on until the caller ends it; `cursor` is the field by which it resumes. */
export const stream = <S extends z.ZodType>(schema: S, cursor?: string) => {
  return { kind: 'stream', schema, cursor } as const satisfies AnswerRow
}
/** A body that is one signed item. */
export const item = (limitBytes: number) => {
  return {
    kind: 'bytes',
    mediaType: ITEM_MEDIA_TYPE,
    limitBytes,
    what: 'One signed ANS-104 item.',
  } as const satisfies BodyRow
}

/** A body that is a bundle of signed items. */
export const bundle = (limitBytes: number) => {
  return {
    kind: 'bytes',
    mediaType: BUNDLE_MEDIA_TYPE,
    limitBytes,
    what: 'An ANS-104 bundle.',
  } as const satisfies BodyRow
}

/** A row that reads: a GET without parameters, for everybody, until the row says otherwise. */
export const read = {
  method: 'GET',
  access: 'public',
  params: z.strictObject({}),
  query: z.strictObject({}),
  body: undefined,
} as const
/** A row that hands something in. */
export const write = { ...read, method: 'POST' } as const
/** The same, for those who run the node. */
export const adminRead = { ...read, access: 'admin' } as const
export const adminWrite = { ...write, access: 'admin' } as const

/** Media type of one signed item. */
export const ITEM_MEDIA_TYPE = 'application/octet-stream'
/** Media type of an ANS-104 bundle of items. */
export const BUNDLE_MEDIA_TYPE = 'application/vnd.atoll.bundle'
/** Media type of deterministic CBOR. */
export const CBOR_MEDIA_TYPE = 'application/cbor'
