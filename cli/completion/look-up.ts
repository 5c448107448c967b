import { FAILURES, type FailureCode, failureNumber, type InterfaceDescription } from '../../protocol/index.ts'
import type { Named } from '../../sdk/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess, moduleNameOf, nameOf } from '../words/find-named.ts'
import { IdentityStore } from '../identity-store.ts'
import { templates } from '../project/templates.ts'
import { shortId } from '../showing/short-id.ts'
import { timerKey } from '../words/timer-key.ts'
import { sampleValue } from './sample-value.ts'
import { type Candidate, isInert, type Lookup } from './candidates.ts'

/** A shell waits for no slow node. */
const WAIT_MAX_MS = 1_500
const OFFERED_MAX = 200

/** Looks up what could stand for a positional: on the node, or on this machine. */
export function lookUp(context: CommandContext): Lookup {
  return {
    positional: (name, before) => POSITIONALS[name]?.(context, before) ?? Promise.resolve([]),
    identities: () => identities(context),
  }
}

type Find = (context: CommandContext, before: readonly string[]) => Promise<readonly Candidate[]>

const POSITIONALS: Readonly<Record<string, Find>> = {
  process: context => named(context.client().processes.list({ timeoutMs: WAIT_MAX_MS }), nameOf),
  module: context => named(context.client().modules.list({ timeoutMs: WAIT_MAX_MS }), moduleNameOf),
  message: messages,
  json: sampleInput,
  key: timers,
  snapshot: snapshots,
  template: async () => (await templates()).map(({ name, about }) => ({ value: name, about })),
  shell: async () => ['bash', 'zsh', 'fish', 'powershell'].map(value => ({ value, about: '' })),
  code: async () =>
    (Object.keys(FAILURES) as FailureCode[]).map(code => ({ value: failureNumber(code), about: FAILURES[code].title })),
}

/** Things by their names; those without one, or whose name is more than a word, by their ids. */
async function named(list: AsyncIterable<Named>, wholeName: typeof nameOf): Promise<Candidate[]> {
  const found: Candidate[] = []
  for await (const { id, tags } of list) {
    const name = wholeName(tags)
    found.push(
      isInert(name) && !name.startsWith('-') ? { value: name, about: shortId(id) } : { value: id, about: name },
    )
    if (found.length >= OFFERED_MAX) break
  }
  return found
}

/** The messages and queries of a contract. */
async function messages(context: CommandContext, [process = '']: readonly string[]): Promise<Candidate[]> {
  const { messages: told, queries } = await interfaceOf(context, process)
  return [
    ...Object.entries(told).map(([value, { doc = 'message' }]) => ({ value, about: doc })),
    ...Object.entries(queries).map(([value, { doc = 'query' }]) => ({ value, about: doc })),
  ]
}

/** An input to begin from, in quotes that shells take. */
async function sampleInput(
  context: CommandContext,
  [process = '', message = '']: readonly string[],
): Promise<Candidate[]> {
  const { messages: told, queries } = await interfaceOf(context, process)
  const question = told[message] ?? queries[message]
  return question === undefined ? [] : [{ value: `'${JSON.stringify(sampleValue(question.input))}'`, about: 'input' }]
}

/** The keys of a process's timers. */
async function timers(context: CommandContext, [process = '']: readonly string[]): Promise<Candidate[]> {
  const held = await context.client().processes.timers(await findProcess(context, process), { timeoutMs: WAIT_MAX_MS })
  return held.flatMap(({ name, dueMs }) =>
    name === undefined ? [] : [{ value: timerKey(name), about: `due ${new Date(dueMs).toISOString()}` }],
  )
}

/** The names of the states that a process keeps. */
async function snapshots(context: CommandContext, [process = '']: readonly string[]): Promise<Candidate[]> {
  const id = await findProcess(context, process)
  const kept = await context.client().processes.lifecycle(id, { timeoutMs: WAIT_MAX_MS })
  return kept.snapshots.map(({ name, slot }) => ({ value: name, about: `as of slot ${slot}` }))
}

async function interfaceOf(context: CommandContext, process: string): Promise<InterfaceDescription> {
  return context.client().processes.interface(await findProcess(context, process), { timeoutMs: WAIT_MAX_MS })
}

async function identities({ settings }: CommandContext): Promise<Candidate[]> {
  const all = await new IdentityStore(settings.home).list()
  return all.map(({ name, address }) => ({ value: name, about: address }))
}
