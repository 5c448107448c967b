import type { AnyContract, ArgsField } from '../contract/index.ts'
import type { CallOptions, ProcessId, Signer } from '../protocol/index.ts'
import { payload } from './call-message.ts'
import type { Client } from './client.ts'
import type { SpawnFields } from './message-item.ts'
import { type ProcessRef, processRef } from './process-ref.ts'
import type { Sent } from './sent.ts'

/** A process that this client spawned. */
export type SpawnedProcess<C extends AnyContract> = ProcessRef<C> & {
  readonly id: ProcessId
  /** Its spawn message; `reply()` tells whether `init` went well. */
  readonly spawned: Sent<void>
}

export type SignedSpawnFields = SpawnFields & {
  /** Signs instead of the client's own signer. */
  readonly signer?: Signer | undefined
}

/** What a caller says of a new process that keeps a contract. */
export type TypedSpawnFields<C extends AnyContract> = Omit<SignedSpawnFields, 'data'> &
  ArgsField<C> & {
    /** Its Name tag, by which it is found again. */
    readonly name?: string | undefined
  }

/** Spawns a process with checked args. @throws {Failure} `bad-input`, and nothing was sent; `unknown-module` */
export async function spawnTyped<C extends AnyContract>(
  client: Client,
  contract: C,
  fields: TypedSpawnFields<C>,
  options: CallOptions,
): Promise<SpawnedProcess<C>> {
  const { name, args, tags = [], ...rest }: TypedSpawnFields<C> & { readonly args?: unknown } = fields
  const { data, tags: form } = payload(contract, contract.args, args, `${contract.name} args`)
  const named = name === undefined ? [] : [{ name: 'Name', value: name }]
  // An actor keeps no contract, though it may be called the same: a counter comes with every node.
  const module = await client.modules.find(fields.module, options, ({ format }) => format !== 'actor')
  const handle = await client.spawn({ ...rest, module, data, tags: [...named, ...tags, ...form] }, options)
  const { id, spawned } = handle
  if (spawned === undefined) throw new TypeError('a spawn gives its message')
  return Object.assign(
    processRef(client, contract, async () => id),
    { id, spawned: spawned.as(`${contract.name} init`, () => undefined) },
  )
}
