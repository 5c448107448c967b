import { type CallOptions, findTag, type Signer } from '../../protocol/index.ts'
import { type Client, signModule } from '../../sdk/index.ts'
import { type BuiltProcess, buildProject, type NameModule, type Project } from '../../toolchain/index.ts'

/** What is to be done for one process of a project. */
export interface Step {
  readonly built: BuiltProcess
  /** The module that it shall have. */
  readonly module: string
  /** The process that has its name and the same owner already. */
  readonly process: string | undefined
  readonly action: 'spawn' | 'upgrade' | 'install' | 'unchanged'
}

/**
 * Builds a project and compares it with what a node has: a process is known by its name and its owner, a module by its
 * bytes and its signer. Nothing is sent.
 */
export async function planProject(client: Client, project: Project, signer: Signer, limits: CallOptions): Promise<Step[]> {
  const built = await buildProject(project, moduleNamer(signer))
  const steps: Step[] = []
  for (const one of built) steps.push(await planOne(client, one, signer, limits))
  return steps
}

/** Signing is deterministic for Ed25519 keys: the same bytes by the same key are the same module, here and on a node. */
function moduleNamer(signer: Signer): NameModule {
  return async ({ format, bytes, moduleTags }) => (await signModule(bytes, { format, tags: moduleTags }, signer)).id
}

async function planOne(client: Client, built: BuiltProcess, signer: Signer, limits: CallOptions): Promise<Step> {
  const module = await moduleNamer(signer)(built)
  const process = await ownProcess(client, built.name, signer.address, limits)
  if (process === undefined) return { built, module, process, action: 'spawn' }
  const { moduleInForce } = await client.processes.get(process, limits)
  if (moduleInForce !== module) return { built, module, process, action: 'upgrade' }
  const isSame = built.app === undefined || (await hasApp(client, process, built, limits))
  return { built, module, process, action: isSame ? 'unchanged' : 'install' }
}

/** The newest of several would be anybody's guess: the first in order of ids is taken, always the same. */
async function ownProcess(client: Client, name: string, owner: string, limits: CallOptions): Promise<string | undefined> {
  for await (const process of client.processes.list(limits)) {
    if (process.owner === owner && findTag(process.tags, 'Name') === name) return process.id
  }
  return undefined
}

interface Files {
  readonly files?: Readonly<Record<string, { readonly text?: string; readonly base64?: string }>>
}

/** Whether the program that stands in the files of a command is the one that was built. */
async function hasApp(client: Client, process: string, { app, spawnTags }: BuiltProcess, limits: CallOptions): Promise<boolean> {
  const path = (findTag(spawnTags, 'Command-App') ?? '').slice(1)
  const { document } = await client.processes.stateAt(process, limits)
  const file = (document['state'] as Files | undefined)?.files?.[path]
  const bytes = Buffer.from(file?.text ?? file?.base64 ?? '', file?.text === undefined ? 'base64' : 'utf8')
  return Buffer.compare(bytes, app ?? new Uint8Array(0)) === 0
}
