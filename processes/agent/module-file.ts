import { fromUtf8, Failure } from '../../protocol/index.ts'

/** A module of format `agent`: a bundled program and what is known of it. */
export interface AgentModule {
  readonly name: string
  readonly version: string
  readonly code: string
  readonly map: unknown
  readonly description: unknown
  readonly modules: Readonly<Record<string, string>>
}

/** Reads the container. @throws {Failure} `module-refused` */
export function readAgentModule(bytes: Uint8Array): AgentModule {
  let read: unknown
  try {
    read = JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    throw refused('container', 'an agent module is UTF-8 JSON', cause)
  }
  const file = (typeof read === 'object' && read !== null ? read : {}) as Record<string, unknown>
  const { agent, name, version, code, map, modules } = file
  if (agent !== 1) throw refused('container', 'expected { "agent": 1, … }')
  if (typeof name !== 'string' || typeof version !== 'string' || typeof code !== 'string')
    throw refused('container', 'an agent module has a name, a version and code')
  return { name, version, code, map, description: file['interface'], modules: idsOf(modules) }
}

function idsOf(modules: unknown): Readonly<Record<string, string>> {
  if (modules === undefined) return {}
  const entries =
    typeof modules === 'object' && modules !== null ? Object.entries(modules) : [['', undefined]]
  if (entries.some(([, id]) => typeof id !== 'string'))
    throw refused('container', "'modules' gives ids by name")
  return Object.fromEntries(entries) as Readonly<Record<string, string>>
}

export function refused(rule: string, note: string, cause?: unknown): Failure {
  return new Failure('module-refused', { rule }, cause === undefined ? { note } : { note, cause })
}
