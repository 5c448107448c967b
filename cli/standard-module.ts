import { standardModules } from '../node/index.ts'
import { type CallOptions, Failure, type Signer } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'

/** Signs a module that comes with Atoll and adds it; nothing if there is none of that name. */
export async function addStandardModule(
  client: Client,
  name: string,
  signer: Signer,
  limits: CallOptions,
): Promise<string | undefined> {
  const module = (await standardModules()).find(one => one.name === name)
  if (module === undefined) return undefined
  const format = module.tags.find(tag => tag.name === 'Module-Format')?.value
  if (format === undefined) throw new Failure('internal', { module: name })
  const tags = [{ name: 'Name', value: name }, ...module.tags.filter(tag => tag.name !== 'Module-Format')]
  return client.modules.add(module.wasm, { format, tags, signer }, limits)
}
