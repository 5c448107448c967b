import { type CallOptions, Failure } from '../protocol/index.ts'
import { contractOf } from '../sdk/index.ts'
import type { Catalog } from './catalog.ts'
import type { McpParts } from './mcp-parts.ts'
import { inputOf } from './tools.ts'

/** A message or query of the process with that label, and what it is called with. */
export interface ToolCall {
  readonly label: string
  readonly name: string
  readonly arguments?: Readonly<Record<string, unknown>> | undefined
}

/** Calls a message or asks a query; gives the reply. @throws {Failure} `not-found`, `not-permitted`, `bad-input`; those of the call */
export async function callTool(
  catalog: Catalog,
  parts: McpParts,
  call: ToolCall,
  limits: CallOptions,
): Promise<unknown> {
  const { label, name } = call
  const { id, described } = await catalog.find(label, limits)
  const isMessage = Object.hasOwn(described.messages, name)
  if (!isMessage && !Object.hasOwn(described.queries, name))
    throw new Failure(
      'not-found',
      { process: label },
      { note: `${described.name} has no message or query ${JSON.stringify(name)}` },
    )
  if (isMessage && !parts.allowWrite)
    throw new Failure(
      'not-permitted',
      { process: label, message: name },
      { note: 'the server was started without --allow-write' },
    )
  const question = (isMessage ? described.messages : described.queries)[name] ?? { input: {} }
  const ask = parts.client.process(contractOf(described), id)[name]
  return ask?.(inputOf(question, call.arguments), { signal: limits.signal, timeout: limits.timeoutMs })
}
