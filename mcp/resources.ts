import type { Resource, ResourceTemplateType } from '@modelcontextprotocol/server'
import { asMessageId, type CallOptions, Failure, isId, toJsonValue } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'
import type { Exposed } from './catalog.ts'

const STATE = /^atoll:\/\/process\/([^/]+)\/state$/
const INTERFACE = /^atoll:\/\/process\/([^/]+)\/interface$/
const TRACE = /^atoll:\/\/message\/([^/]+)\/trace$/
const MIME_TYPE = 'application/json'

/** What can be read of whichever process or message, by its id. */
export const RESOURCE_TEMPLATES: ResourceTemplateType[] = [
  {
    name: 'state',
    uriTemplate: 'atoll://process/{id}/state',
    mimeType: MIME_TYPE,
    description: 'The state of a process after its last evaluated slot',
  },
  {
    name: 'interface',
    uriTemplate: 'atoll://process/{id}/interface',
    mimeType: MIME_TYPE,
    description: 'What a process promises: its messages, queries and events',
  },
  {
    name: 'trace',
    uriTemplate: 'atoll://message/{id}/trace',
    mimeType: MIME_TYPE,
    description: 'A message and all that it caused, with timings and errors',
  },
]

/** The state of a process, as something to be read. */
export function resourceOf({ id, label, described }: Exposed): Resource {
  return {
    uri: `atoll://process/${id}/state`,
    name: `${label} state`,
    description: `State of a ${described.name} ${described.version}`,
    mimeType: MIME_TYPE,
  }
}

/** Reads a resource as JSON; nothing, if there is no such kind. @throws {Failure} `unknown-process`, `unknown-message`, `no-contract`, … */
export async function readResource(client: Client, uri: string, options: CallOptions): Promise<string | undefined> {
  const [state, described, trace] = [STATE, INTERFACE, TRACE].map(form => form.exec(uri)?.[1])
  if (state !== undefined) {
    const contract = await client.processes.contract(idIn(state, 'unknown-process'), options)
    return json(await client.process(contract, state).state({ signal: options.signal }))
  }
  if (described !== undefined)
    return json(await client.processes.interface(idIn(described, 'unknown-process'), options))
  if (trace !== undefined) {
    const message = asMessageId(idIn(trace, 'unknown-message'))
    return json(toJsonValue(await client.transport.request('trace', { message, wait_ms: 0 }, options)))
  }
  return undefined
}

function idIn(text: string, unknown: 'unknown-process' | 'unknown-message'): string {
  if (!isId(text)) throw new Failure(unknown, { name: text })
  return text
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? 'null'
}
