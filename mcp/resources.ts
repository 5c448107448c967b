import type { Resource, ResourceTemplateType } from '@modelcontextprotocol/server'
import { asMessageId, type CallOptions, Failure, isId, toJsonValue } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'
import type { Catalog, Exposed } from './catalog.ts'
import { shownTrace } from './shown-trace.ts'

const STATE = /^atoll:\/\/process\/([^/]+)\/state$/
const INTERFACE = /^atoll:\/\/process\/([^/]+)\/interface$/
const TRACE = /^atoll:\/\/message\/([^/]+)\/trace$/
const MIME_TYPE = 'application/json'

/** What can be read by the id of a process or message: of whichever, unless the server was started for some processes. */
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

/**
 * Reads a resource as JSON; nothing, if there is no such kind.
 * @throws {Failure} `unknown-process`, `unknown-message`, `no-contract`, …; `not-permitted` of a process that is not shown
 */
export async function readResource(
  catalog: Catalog,
  client: Client,
  uri: string,
  options: CallOptions,
): Promise<string | undefined> {
  const [state, described, trace] = [STATE, INTERFACE, TRACE].map(form => form.exec(uri)?.[1])
  const process = state ?? described
  if (process !== undefined) {
    refuseOthers(await catalog.readable(options), idIn(process, 'unknown-process'))
    if (described !== undefined) return json(await client.processes.interface(process, options))
    const contract = await client.processes.contract(process, options)
    return json(await client.process(contract, process).state({ signal: options.signal }))
  }
  if (trace === undefined) return undefined
  const message = asMessageId(idIn(trace, 'unknown-message'))
  const readable = await catalog.readable(options)
  const told = await client.transport.request('trace', { message, wait_ms: 0 }, options)
  refuseOthers(readable, told.root.process)
  return json(toJsonValue(readable === undefined ? told : { ...told, root: shownTrace(told.root, readable) }))
}

function refuseOthers(readable: ReadonlySet<string> | undefined, process: string): void {
  if (readable === undefined || readable.has(process)) return
  throw new Failure('not-permitted', { process }, { note: 'the server was started for other processes' })
}

function idIn(text: string, unknown: 'unknown-process' | 'unknown-message'): string {
  if (!isId(text)) throw new Failure(unknown, { name: text })
  return text
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2) ?? 'null'
}
