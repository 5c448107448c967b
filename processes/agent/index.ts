import { AGENT_FORMAT, decodeAgentModule, type ModuleDescription, type Runtime } from '../../protocol/index.ts'
import { AgentFactory } from './factory.ts'
import { makeImage } from './image.ts'

export { runScript } from './image.ts'

/** Factories that `prepare` made to see whether a module loads, for the `load` that follows. */
const made = new WeakMap<Uint8Array, AgentFactory>()

/** Loads the program once: all that could fail later fails now. @throws {Failure} `module-refused` */
function prepare({ wasm }: ModuleDescription): Uint8Array {
  const prepared = wasm.slice()
  made.set(prepared, makeFactory(prepared))
  return prepared
}

function load(prepared: Uint8Array): AgentFactory {
  const known = made.get(prepared)
  made.delete(prepared)
  return known ?? makeFactory(prepared)
}

function makeFactory(bytes: Uint8Array): AgentFactory {
  const module = decodeAgentModule(bytes)
  return new AgentFactory(module, makeImage(module))
}

/**
 * The runtime of format `agent`: a bundled JavaScript program on an engine that is itself a guest, so that its heap,
 * its pending promises and its timers are memory like any other. docs/protocol/agent.md is the contract with programs.
 */
export const agentRuntime: Runtime = { formats: [AGENT_FORMAT], assignable: false, prepare, load }
