// A worker of the runtime's pool: programs that are started here are guarded.
import { workerData } from 'node:worker_threads'
import { INJECTED } from '../../rewriter/index.ts'
import { GuardedInstance } from './guarded-instance.ts'
import { RunFacts } from './run-facts.ts'

const { facts: buffer, program } = workerData as { facts: SharedArrayBuffer; program: string }
const facts = new RunFacts(buffer)
const starts = new WeakMap<object, GuardedInstance>()

const { Instance, promising } = WebAssembly as typeof WebAssembly & {
  promising: (start: () => unknown) => () => Promise<unknown>
}

function guardedInstance(module: WebAssembly.Module, imports: WebAssembly.Imports = {}): WebAssembly.Instance {
  const isProgram = WebAssembly.Module.exports(module).some(({ name }) => name === INJECTED.gas)
  if (!isProgram) return new Instance(module, imports)
  const guard = new GuardedInstance(facts, imports)
  const instance = new Instance(module, guard.guarded())
  guard.adopt(instance)
  const start = instance.exports['_start']
  if (typeof start === 'function') starts.set(start, guard)
  return instance
}
guardedInstance.prototype = Instance.prototype

Object.assign(WebAssembly, {
  Instance: guardedInstance,
  promising: (start: () => unknown) => {
    const run = promising(start)
    const guard = starts.get(start)
    return guard === undefined ? run : () => guard.run(run)
  },
})

await import(program)
