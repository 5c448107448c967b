import { FAILURES, type FailureCode, failureNumber } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { nameOf } from '../find-named.ts'
import { IdentityStore } from '../identity-store.ts'
import { templates } from '../project/templates.ts'
import { shortId } from '../short-id.ts'
import type { Candidate, Lookup } from './candidates.ts'

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
  process: context => named(context.client().processes.list({ timeoutMs: WAIT_MAX_MS })),
  module: context => named(context.client().modules.list({ timeoutMs: WAIT_MAX_MS })),
  template: async () => (await templates()).map(({ name, about }) => ({ value: name, about })),
  shell: async () => ['bash', 'zsh', 'fish', 'powershell'].map(value => ({ value, about: '' })),
  code: async () =>
    (Object.keys(FAILURES) as FailureCode[]).map(code => ({ value: failureNumber(code), about: FAILURES[code].title })),
}

/** Things by their names; those without one by their short ids. */
async function named(list: AsyncIterable<{ readonly id: string; readonly tags: Parameters<typeof nameOf>[0] }>): Promise<Candidate[]> {
  const found: Candidate[] = []
  for await (const { id, tags } of list) {
    const name = nameOf(tags)
    found.push(name === '' ? { value: id, about: '' } : { value: name, about: shortId(id) })
    if (found.length >= OFFERED_MAX) break
  }
  return found
}

async function identities({ settings }: CommandContext): Promise<Candidate[]> {
  const all = await new IdentityStore(settings.home).list()
  return all.map(({ name, address }) => ({ value: name, about: address }))
}
