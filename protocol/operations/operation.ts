import type { z } from 'zod'
import type { CallOptions } from '../ports.ts'
import type { ValueOf } from '../codec/wire.ts'

/** One row of the table of operations: how it is asked for over HTTP, by whom, and what it answers. */
export interface OperationRow {
  readonly method: 'GET' | 'POST'
  /** Names in braces are those of `params`. */
  readonly path: string
  readonly summary: string
  readonly access: 'public' | 'admin'
  readonly params: z.ZodObject
  readonly query: z.ZodObject
  readonly body: BodyRow | undefined
  readonly answer: AnswerRow
}

/** What a request carries. */
export type BodyRow =
  | {
      readonly kind: 'bytes'
      readonly mediaType: string
      readonly limitBytes: number
      readonly what: string
    }
  | { readonly kind: 'json'; readonly schema: z.ZodObject; readonly limitBytes: number }

/** What an operation gives: a value, bytes, or values one after the other until the caller ends it. */
export type AnswerRow =
  | { readonly kind: 'json'; readonly schema: z.ZodType }
  | { readonly kind: 'bytes'; readonly mediaType: string; readonly what: string }
  | {
      readonly kind: 'stream'
      readonly schema: z.ZodType
      /** The field of a value that is its cursor: a stream resumes after it by `from`. */
      readonly cursor: string | undefined
    }

type BodyInput<B> = B extends { readonly kind: 'bytes' }
  ? { readonly bytes: Uint8Array }
  : B extends { readonly kind: 'json'; readonly schema: infer S extends z.ZodType }
    ? ValueOf<S>
    : unknown

/** An object without fields would, as a type, forbid those of the others. */
type Fields<S extends z.ZodObject> = keyof S['shape'] extends never ? unknown : ValueOf<S>

/** What a call of the operation takes: its params, query and body in one object. */
export type InputOfRow<R extends OperationRow> = Fields<R['params']> & Fields<R['query']> & BodyInput<R['body']>

/** What a call of the operation gives; for a stream, each value of it. */
export type OutputOfRow<R extends OperationRow> = R['answer'] extends {
  readonly schema: infer S extends z.ZodType
}
  ? ValueOf<S>
  : Uint8Array

/** How an operation is carried out, wherever that is. @throws {Failure} */
export type ImplementationOfRow<R extends OperationRow> = R['answer'] extends {
  readonly kind: 'stream'
}
  ? (input: InputOfRow<R>, options: CallOptions) => AsyncIterable<OutputOfRow<R>>
  : (input: InputOfRow<R>, options: CallOptions) => Promise<OutputOfRow<R>>
