import type { AnyContract, Schema } from '../contract/index.ts'
import type { ProcessRef } from './process-ref.ts'

type SchemaTeller = (options: { readonly target: string }) => Record<string, unknown>

/** A schema in the form that the AI SDK has of one: it takes those whose library tells their JSON Schema, as zod and arktype do. */
export interface AiInputSchema {
  readonly '~standard': Omit<Schema['~standard'], 'types' | 'jsonSchema'> & {
    readonly jsonSchema?: { readonly input: SchemaTeller; readonly output: SchemaTeller }
  }
}

/** A tool as the AI SDK takes it (`ToolSet` of the package `ai`, 5 and later), said by its shape alone. */
export interface AiTool {
  readonly description: string
  readonly inputSchema: AiInputSchema
  readonly execute: (input: unknown, options?: { readonly abortSignal?: AbortSignal | undefined }) => Promise<unknown>
}

/** Which messages a model may send beside asking queries: none unless said. */
export interface AiToolsOptions<C extends AnyContract> {
  readonly messages?: 'all' | readonly (keyof C['messages'] & string)[]
}

/** The queries of a process, and those messages that are allowed, as tools for a language model. */
export function aiTools<C extends AnyContract>(
  ref: ProcessRef<C>,
  options: AiToolsOptions<C> = {},
): Record<string, AiTool> {
  const { contract } = ref
  const allowed = options.messages === 'all' ? Object.keys(contract.messages) : (options.messages ?? [])
  const calls = ref as unknown as Readonly<Record<string, (input: unknown, limits: object) => Promise<unknown>>>
  const tool = (
    name: string,
    { input, doc }: { readonly input: Schema; readonly doc: string | undefined },
  ): AiTool => ({
    description: doc ?? `${name} of the process ${contract.name}`,
    inputSchema: input as AiInputSchema,
    execute: async (given, { abortSignal } = {}) => (await calls[name]?.(given, { signal: abortSignal })) ?? 'done',
  })
  return Object.fromEntries([
    ...Object.entries(contract.queries).map(([name, query]) => [name, tool(name, query)] as const),
    ...Object.entries(contract.messages)
      .filter(([name]) => allowed.includes(name))
      .map(([name, message]) => [name, tool(name, message)] as const),
  ])
}
