/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** A JSON Schema, draft 2020-12; `{}` where a schema library does not tell. */
export type JsonSchema = Readonly<Record<string, unknown>>
