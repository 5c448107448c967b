import { type StandardModule, standardModules } from '../node/index.ts'
import { type CallOptions, Failure, type Signer } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'

/** Signs the module of that name that comes with Atoll, and adds it; nothing if there is none. */
export async function addStandardModule(
  client: Client,
  name: string,
  signer: Signer,
  limits: CallOptions,
): Promise<string | undefined> {
  const module = (await standardModules()).find(one => one.name === name)
  return module === undefined ? undefined : addShipped(client, module, signer, limits)
}

/** Signs a module that comes with Atoll, under its name, and adds it. */
export function addShipped(
  client: Client,
  module: StandardModule,
  signer: Signer,
  limits: CallOptions,
): Promise<string> {
  const { name, wasm } = module
  const format = module.tags.find(tag => tag.name === 'Module-Format')?.value
  if (format === undefined) throw new Failure('internal', { module: name })
  const tags = [{ name: 'Name', value: name }, ...module.tags.filter(tag => tag.name !== 'Module-Format')]
  return client.modules.add(wasm, { format, tags, signer }, limits)
}
