import { access } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { checkInput, schemaOfJson } from '../contract/index.ts'
import { runScript } from '../processes/index.ts'
import { AgentModule, encodeAgentModule, Failure, InterfaceDescription } from '../protocol/index.ts'
import { bundle } from './bundle.ts'

export interface BuildAgentOptions {
  /** Modules of the contracts that the program spawns, by name of the contract. */
  readonly modules?: Readonly<Record<string, string>>
  /** What a process is to be spawned with. */
  readonly args?: unknown
}

/** A built agent: the bytes of its module, and what it promises. */
export interface BuiltAgent {
  readonly name: string
  readonly version: string
  readonly bytes: Uint8Array
  readonly promised: InterfaceDescription
  /** Why a process cannot be spawned with `args`; undefined if it can. */
  readonly argsProblem: string | undefined
  /** Files to watch. */
  readonly inputs: readonly string[]
  /** Those of them that others import to know its contract. */
  readonly contractFiles: readonly string[]
}

/**
 * Makes the module of a `.process.ts` file. The same sources give the same bytes.
 * @throws {Failure} `bad-program` with file, line and column; `module-refused` if it does not load
 */
export async function buildAgent(entryFile: string, options: BuildAgentOptions = {}): Promise<BuiltAgent> {
  const file = resolve(entryFile)
  await access(file).catch(cause => {
    throw new Failure('bad-program', { file: basename(file) }, { note: 'there is no such file', cause })
  })
  const source = JSON.stringify(`./${basename(file)}`)
  const { code, map, inputs } = await bundle(file, `import program from ${source}\n__atoll.define(program)`)
  const { contractFiles, ...described } = await describe(file, source, inputs.filter(isContractFile), options.args)
  const { promised, argsProblem } = described
  const { name, version } = promised
  const { modules } = options
  const container = { agent: 1 as const, name, version, code, map, interface: promised }
  const bytes = encodeAgentModule(AgentModule.parse(modules === undefined ? container : { ...container, modules }))
  return { name, version, bytes, promised, argsProblem, inputs, contractFiles }
}

const CONTRACT = JSON.stringify('atoll/contract')

/** Whether programs may know a contract by this file: it is called like one, and nobody else's package. */
export function isContractFile(file: string): boolean {
  return basename(file).includes('.contract.') && !file.includes('node_modules')
}

interface Told {
  readonly promised: unknown
  readonly argsProblem?: string
  readonly exportsIt: readonly boolean[]
}

/** What the program promises, and what it says of `args`, asked of the program itself, in an engine without a way out. */
async function describe(
  file: string,
  source: string,
  contractFiles: readonly string[],
  args: unknown,
): Promise<Pick<BuiltAgent, 'promised' | 'argsProblem' | 'contractFiles'>> {
  const program = `import program from ${source}
import { checkInput, describeContract } from ${CONTRACT}
${contractFiles.map((path, at) => `import * as file${at} from ${JSON.stringify(path)}`).join('\n')}
const contract = program?.contract
const tell = () => ({
  promised: describeContract(contract),
  argsProblem: checkInput(contract.args, ${JSON.stringify(args)}).problem,
  exportsIt: [${contractFiles.map((_, at) => `file${at}`).join()}].map(file => Object.values(file).includes(contract)),
})
export const text = contract?.kind === 'contract' ? JSON.stringify(tell()) : ''`
  const { code, map } = await bundle(file, program, {
    globalName: 'described',
    footer: 'described.text',
  })
  const text = runScript(code, map)
  if (text !== '') {
    const { argsProblem, exportsIt, ...told } = JSON.parse(text) as Told
    const promised = InterfaceDescription.parse(told.promised)
    return {
      promised,
      argsProblem: argsProblem ?? unknownIn(promised, args),
      contractFiles: contractFiles.filter((_, at) => exportsIt[at]),
    }
  }
  const note = 'its default export is not what contract(…).implement(…) gives'
  throw new Failure('bad-program', { file: basename(file) }, { note })
}

/** What the program would drop of `args` without a word: a slip in the name of a field. */
function unknownIn({ args: schema }: InterfaceDescription, args: unknown): string | undefined {
  const checked = checkInput(schemaOfJson(schema), args)
  return checked.ok ? undefined : checked.problem
}
