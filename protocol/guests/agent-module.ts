import { z } from 'zod'
import { fromUtf8, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { Failure } from '../failures/failure.ts'
import { ModuleId } from '../ids.ts'
import { InterfaceDescription } from './interface-description.ts'
import { AGENT_CODE_MAX_BYTES, AGENT_MODULE_MAX_BYTES, INTERFACE_MAX_BYTES } from '../limits/limits.ts'
import type { DeepReadonly } from '../codec/wire.ts'

/** The Module-Format of processes written in TypeScript. */
export const AGENT_FORMAT = 'agent'

/** A source map, version 3, without the sources themselves. */
const SourceMap = z.object({
  version: z.literal(3),
  sources: z.array(z.string()),
  names: z.array(z.string()),
  mappings: z.string(),
})

/**
 * What the item of an `agent` module carries, as UTF-8 JSON. `code` is a script that calls `__atoll.define` once;
 * `modules` names the module of each contract that its `ctx.spawn` may be given.
 */
export const AgentModule = z.object({
  agent: z.literal(1),
  name: z.string(),
  version: z.string(),
  code: z.string(),
  map: SourceMap.optional(),
  interface: InterfaceDescription,
  modules: z.record(z.string(), ModuleId).optional(),
})
export type AgentModule = DeepReadonly<z.output<typeof AgentModule>>

/** The bytes of a module. @throws {Failure} `module-refused` if it is larger than allowed */
export function encodeAgentModule(module: AgentModule): Uint8Array {
  const { agent, name, version, code, map, modules } = module
  const written = { agent, name, version, interface: module.interface, modules, map, code }
  const bytes = toUtf8(JSON.stringify(written))
  checkSizes(module, bytes.length)
  return bytes
}

/** Reads a module. @throws {Failure} `module-refused` with the rule that it breaks */
export function decodeAgentModule(bytes: Uint8Array): AgentModule {
  if (bytes.length > AGENT_MODULE_MAX_BYTES) throw tooLarge('module-size', bytes.length, AGENT_MODULE_MAX_BYTES)
  const parsed = AgentModule.safeParse(readJson(bytes))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const note = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
    throw new Failure('module-refused', { rule: 'agent-module' }, { note })
  }
  checkSizes(parsed.data, bytes.length)
  return parsed.data
}

function checkSizes(module: AgentModule, sizeBytes: number): void {
  if (sizeBytes > AGENT_MODULE_MAX_BYTES) throw tooLarge('module-size', sizeBytes, AGENT_MODULE_MAX_BYTES)
  const codeBytes = toUtf8(module.code).length
  if (codeBytes > AGENT_CODE_MAX_BYTES) throw tooLarge('code-size', codeBytes, AGENT_CODE_MAX_BYTES)
  const interfaceBytes = toUtf8(JSON.stringify(module.interface)).length
  if (interfaceBytes > INTERFACE_MAX_BYTES) throw tooLarge('interface-size', interfaceBytes, INTERFACE_MAX_BYTES)
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof MalformedBytes)) throw cause
    throw new Failure('module-refused', { rule: 'agent-module' }, { note: 'the module is not JSON', cause })
  }
}

function tooLarge(rule: string, sizeBytes: number, maxBytes: number): Failure {
  return new Failure('module-refused', { rule, sizeBytes, maxBytes })
}
