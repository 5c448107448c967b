// The program that runs inside the engine before any agent's: what a bundle finds, and what the host calls.
import { agent } from './agent.ts'
import { tell } from './agent-error.ts'
import { type Program, prepareSchema } from './definition.ts'
import { deliver, next } from './deliver.ts'
import { checkHost, installGlobals } from './globals.ts'
import { AgentContext } from './context.ts'
import { keepShapesOf, samples } from './kept-shapes.ts'
import { rejected } from './output.ts'
import { makeRoutes, routeNames, routesText } from './routes.ts'
import { Task } from './task.ts'

checkHost()
installGlobals()

const target = globalThis as typeof globalThis & { __atoll?: unknown; __entry?: unknown }

target.__atoll = {
  define(given: unknown): void {
    agent.definitions += 1
    agent.implementation = given as Program
  },
}

/** Looks at what a bundle defined; gives what is wrong, or nothing. */
function loaded(): string {
  const { definitions, implementation: given } = agent
  if (definitions === 0) return 'the bundle defines no agent'
  if (definitions > 1) return `the bundle defines ${definitions} agents; a module has one`
  if (given?.kind !== 'agent' || typeof given.definition !== 'object' || given.definition === null)
    return 'its default export is not what contract(…).implement(…) gives'
  const { contract } = given
  if (typeof contract?.name !== 'string' || typeof contract.version !== 'string')
    return 'its contract has no name or version'
  delete target.__atoll
  delete target.__entry
  makeRoutes(given)
  prepareSchemas(given)
  keepShapesOfMessages()
  return ''
}

function prepareSchemas({ contract }: Program): void {
  const shapes = [...Object.values(contract.messages), ...Object.values(contract.queries)]
  const schemas = shapes.flatMap(({ input, reply }) => [input, reply])
  for (const schema of [...schemas, contract.args, contract.state, ...Object.values(contract.events)])
    prepareSchema(schema)
}

const task = (): Task => new Task('', '', 0, undefined, 0, undefined)
samples.push(task())

/** What is made for each message. */
function keepShapesOfMessages(): void {
  keepShapesOf(task)
  keepShapesOf(() => new AgentContext(task()))
}

/** A program may have taken it away when it is asked what it threw. */
const { stringify } = JSON

const describe = (error: unknown): string => stringify(tell(error))

/** The stack below: the host calls this on top of code that stopped, whose frames are still there. */
const where = (): string => new Error('here').stack ?? ''

target.__entry = { deliver, next, rejected, loaded, describe, where, routesText, routeNames, samples }
