import type { AnyContract } from './contract.ts'
import type { InputOf, OutputOf, Schema } from './schema.ts'

/** What a call takes: its input, which may be left out if there is nothing to say, and how it is made. */
export type CallParameters<I extends Schema, Options> =
  Record<never, never> extends InputOf<I>
    ? [input?: InputOf<I>, options?: Options]
    : undefined extends InputOf<I>
      ? [input?: InputOf<I>, options?: Options]
      : [input: InputOf<I>, options?: Options]

/** An input that may be left out if there is nothing to say. */
export type InputParameter<I extends Schema> =
  Record<never, never> extends InputOf<I>
    ? [input?: InputOf<I>]
    : undefined extends InputOf<I>
      ? [input?: InputOf<I>]
      : [input: InputOf<I>]

/** A message or a query as a function that gives the reply. */
export type Calls<C extends AnyContract, Options> = {
  readonly [K in keyof C['messages']]: (
    ...input: CallParameters<C['messages'][K]['input'], Options>
  ) => Promise<OutputOf<C['messages'][K]['reply']>>
} & {
  readonly [K in keyof C['queries']]: (
    ...input: CallParameters<C['queries'][K]['input'], Options>
  ) => Promise<OutputOf<C['queries'][K]['reply']>>
}

/** The field `args` of a spawn: needed only if there is something to say. */
export type ArgsField<C extends AnyContract> =
  Record<never, never> extends InputOf<C['args']>
    ? { readonly args?: InputOf<C['args']> }
    : undefined extends InputOf<C['args']>
      ? { readonly args?: InputOf<C['args']> }
      : { readonly args: InputOf<C['args']> }
