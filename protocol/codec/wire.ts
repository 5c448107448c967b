import { z } from 'zod'
import { fromBase64Url, MalformedBytes, toBase64Url } from './bytes.ts'
import { asMessageId, isId, MessageId, Slot } from '../ids.ts'

/**
 * How values travel in JSON, in paths and in queries: a bigint as decimal text, bytes as base64url, ids as they are.
 * Every codec here reads text strictly, one spelling a value, and gives the value itself.
 */

/** A value that nobody changes, all the way down. */
export type DeepReadonly<T> = unknown extends T
  ? T
  : T extends string | number | bigint | boolean | null | undefined | Uint8Array
    ? T
    : T extends readonly (infer E)[]
      ? readonly DeepReadonly<E>[]
      : { readonly [K in keyof T]: DeepReadonly<T[K]> }

/** The value that a schema reads from its text form. */
export type ValueOf<S extends z.ZodType> = DeepReadonly<z.output<S>>

/** What is known of a schema for the API description: its name, what it means, and how to show it. */
export interface SchemaNote {
  readonly id?: string
  readonly description?: string
  /** Shown in place of what the codec says, where a reader cares for the value and not for its text. */
  readonly shown?: Readonly<Record<string, unknown>>
}

/** The schemas that have a name in the API description. */
export const schemaNotes: z.core.$ZodRegistry<SchemaNote> = z.registry<SchemaNote>()

/** Gives `schema` its name in the API description. */
export function named<S extends z.ZodType>(id: string, description: string, schema: S): S {
  schemaNotes.add(schema, { id, description })
  return schema
}

/** Bytes as unpadded base64url text. */
export const BytesText = named(
  'Bytes',
  'Bytes as unpadded base64url text.',
  z.codec(
    z.string(),
    z.custom<Uint8Array>(value => value instanceof Uint8Array, 'expected bytes'),
    {
      decode(text, context) {
        try {
          return fromBase64Url(text)
        } catch (cause) {
          if (!(cause instanceof MalformedBytes)) throw cause
          context.issues.push({ code: 'custom', input: text, message: cause.message })
          return z.NEVER
        }
      },
      encode: toBase64Url,
    },
  ),
)

/** A bigint from 0 up as decimal text. */
export const BigText = named(
  'BigInteger',
  'A whole number from 0 up, as decimal text, because it may be above 2^53.',
  z.codec(z.string().regex(/^(0|[1-9][0-9]{0,38})$/), z.bigint().nonnegative(), {
    decode: BigInt,
    encode: String,
  }),
)

/** A whole number from 0 to `max`, in a path or a query. */
export function naturalText(max: number = Number.MAX_SAFE_INTEGER): z.ZodCodec<z.ZodString, z.ZodInt> {
  const codec = z.codec(z.string().regex(/^(0|[1-9][0-9]{0,15})$/), z.int().min(0).max(max), {
    decode: Number,
    encode: String,
  })
  schemaNotes.add(codec, { shown: { type: 'integer', minimum: 0, maximum: max } })
  return codec
}

/** `true` or `false`, in a query. */
export const BooleanText = z.codec(z.enum(['true', 'false']), z.boolean(), {
  decode: text => text === 'true',
  encode: value => (value ? 'true' : 'false'),
})
schemaNotes.add(BooleanText, { shown: { type: 'boolean' } })

/** A slot, or the id of a message that has one: up to 16 digits, or 43 characters. */
export const PlaceText = z.codec(
  z.string().regex(/^(0|[1-9][0-9]{0,15}|[A-Za-z0-9_-]{43})$/),
  z.union([Slot, MessageId]),
  {
    decode(text, context): number | MessageId {
      if (text.length < 43) return Number(text)
      if (isId(text)) return asMessageId(text)
      context.issues.push({
        code: 'custom',
        input: text,
        message: 'expected a slot or the id of a message',
      })
      return z.NEVER
    },
    encode: String,
  },
)

/**
 * The JSON form of what an operation answered: bigints and bytes become text, what is undefined is left out.
 * Takes plain objects, arrays and scalars; anything else is a bug of the caller.
 */
export function toJsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return toBase64Url(value)
  if (Array.isArray(value)) return value.map(toJsonValue)
  return plainObject(value as Readonly<Record<string, unknown>>)
}

/** The object itself, if it is plain already: most are, and there may be a thousand in one answer. */
function plainObject(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let plain: Record<string, unknown> | undefined
  for (const name in value) {
    const entry = toJsonValue(value[name])
    if (entry === value[name]) continue
    plain ??= { ...value }
    plain[name] = entry
  }
  return plain ?? value
}
