import { fileURLToPath } from 'node:url'
import type { AnyImplementation } from '../contract/index.ts'
import { Failure } from '../protocol/index.ts'
import { buildAgent, type BuiltAgent } from '../toolchain/index.ts'

/** Agents built in this program: sources are taken not to change while tests run. */
const kept = new Map<string, Promise<BuiltAgent>>()

/** The module of a `.process.ts` file, built once. @throws {Failure} `bad-program` with file, line and column */
export function built(file: string, modules: Readonly<Record<string, string>>): Promise<BuiltAgent> {
  const key = JSON.stringify([file, modules])
  const known = kept.get(key)
  if (known !== undefined) return known
  const building = buildAgent(file, Object.keys(modules).length === 0 ? {} : { modules })
  kept.set(key, building)
  building.catch(() => kept.delete(key))
  return building
}

/** Frames of the call itself, which are not where an agent was made. */
const OWN = /[/\\]contract[/\\](?:implementation|contract|index)\.[jt]s$/

/** The file in which an agent was made. @throws {Failure} `bad-program` */
export function fileOf({ madeAt, contract }: AnyImplementation): string {
  for (const line of madeAt.split('\n').slice(1)) {
    const [, place = ''] = /\(?((?:file:\/\/)?\/[^()]*?|[A-Za-z]:\\[^()]*?)(?::\d+){1,2}\)?$/.exec(line.trim()) ?? []
    const file = place.startsWith('file:') ? fileURLToPath(place) : place.replace(/[?#].*$/, '')
    if (file !== '' && !OWN.test(file)) return file
  }
  throw new Failure('bad-program', { agent: contract.name }, { note: 'it is not known in which file it was made' })
}
