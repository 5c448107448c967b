import { access } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { runScript } from '../processes/index.ts'
import { Failure, toUtf8 } from '../protocol/index.ts'
import { bundle } from './bundle.ts'

export interface BuildAgentOptions {
  /** Modules of the contracts that the program spawns, by name of the contract. */
  readonly modules?: Readonly<Record<string, string>>
}

/** A built agent: the bytes of its module, and what it promises. */
export interface BuiltAgent {
  readonly name: string
  readonly version: string
  readonly bytes: Uint8Array
  /** Files to watch. */
  readonly inputs: readonly string[]
}

/**
 * Makes the module of a `.process.ts` file. The same sources give the same bytes.
 * @throws {Failure} `bad-program` with file, line and column; `module-refused` if it does not load
 */
export async function buildAgent(
  entryFile: string,
  options: BuildAgentOptions = {},
): Promise<BuiltAgent> {
  const file = resolve(entryFile)
  await access(file).catch(cause => {
    throw new Failure(
      'bad-program',
      { file: basename(file) },
      { note: 'there is no such file', cause },
    )
  })
  const source = JSON.stringify(`./${basename(file)}`)
  const { code, map, inputs } = await bundle(
    file,
    `import program from ${source}\n__atoll.define(program)`,
  )
  const about = await describe(file, source)
  const { modules } = options
  const container = {
    agent: 1,
    name: about.name,
    version: about.version,
    interface: about,
    ...(modules !== undefined && { modules }),
    map,
    code,
  }
  return {
    name: about.name,
    version: about.version,
    bytes: toUtf8(JSON.stringify(container)),
    inputs,
  }
}

interface Description {
  readonly name: string
  readonly version: string
}

/** What the program promises, asked of the program itself, in an engine without a way out. */
async function describe(file: string, source: string): Promise<Description> {
  const program = `import program from ${source}
const { name, version } = program?.contract ?? {}
export const text = JSON.stringify({ name, version })`
  const { code, map } = await bundle(file, program, {
    globalName: 'described',
    footer: 'described.text',
  })
  const about = JSON.parse(runScript(code, map)) as Partial<Description>
  if (typeof about.name === 'string' && typeof about.version === 'string')
    return about as Description
  throw new Failure(
    'bad-program',
    { file: basename(file) },
    {
      note: 'its default export is not what contract(…).implement(…) gives',
    },
  )
}
