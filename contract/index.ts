// What a process promises, in one object. For browsers, for Node, and for the inside of a process: it depends on nothing.
export * from './agent-context.ts'
export type { ArgsField, CallParameters, Calls, InputParameter } from './calls.ts'
export {
  type Allowed,
  type AnyContract,
  type Contract,
  contract,
  type EventName,
  type Events,
  type Message,
  message,
  type MessageName,
  type Messages,
  type Queries,
  type Query,
  query,
  type QueryName,
  type Wire,
} from './contract.ts'
export { describeContract, type ToJsonSchema } from './describe.ts'
export { schemaOfJson } from './check-json.ts'
export { closedSchema } from './closed-schema.ts'
export { type Completion, completionsOf } from './completions.ts'
export { type Duration, durationMs } from './duration.ts'
export type { EffectInput, EffectName, EffectReply, Effects } from './effects.ts'
export { type FormField, formOf } from './form.ts'
export type {
  AnyDefinition,
  AnyImplementation,
  Definition,
  Implementation,
  OldState,
} from './implementation.ts'
export type { Json } from './json.ts'
export { interfaceOpenApi } from './openapi.ts'
export { didYouMean, editDistance, nearWord } from './near-word.ts'
export { isReservedName, MalformedContract } from './names.ts'
export {
  type Checked,
  checkInput,
  checkValue,
  empty,
  type InputOf,
  inputToSend,
  nothing,
  type OutputOf,
  type Schema,
} from './schema.ts'
