import { Buffer } from 'node:buffer'
import { EngineThrew } from './engine-calls.ts'
import { LOAD_GAS } from './gas.ts'
import { engineInstance, whyRefused } from './image.ts'
import { Positions } from './positions.ts'

/**
 * Runs a script in an engine of its own, as agents run: nothing outside can be reached. Gives its value as text.
 * @throws {Failure} `module-refused`, naming the place in the files of `map`
 */
export function runScript(code: string, map?: unknown): string {
  const { machine, entry } = engineInstance()
  machine.calls.gas.value = LOAD_GAS
  try {
    return machine.value(Buffer.from(code))
  } catch (thrown) {
    if (thrown instanceof EngineThrew || thrown instanceof WebAssembly.RuntimeError)
      throw whyRefused(thrown, machine, entry, new Positions(map))
    throw thrown
  }
}
