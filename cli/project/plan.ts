import { type CallOptions, Failure, findTag, type Signer, toBase64Url, toUtf8 } from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { moduleSigner } from './module-signer.ts'
import { withNextStep } from '../showing/next-step.ts'
import { type BuiltProcess, buildProject, type Project } from '../../toolchain/index.ts'

/** What is to be done for one process of a project. */
export interface Step {
  readonly built: BuiltProcess
  /** The module that it shall have, and its signed item. */
  readonly module: string
  readonly item: Uint8Array
  /** Signed items of the modules that it may spawn. */
  readonly children: readonly Uint8Array[]
  /** The process that has its name and the same owner already. */
  readonly process: string | undefined
  readonly action: 'spawn' | 'upgrade' | 'install' | 'unchanged'
}

/**
 * Builds a project and compares it with what a node has: a process is known by its name and its owner, a module by its
 * bytes and its signer. Nothing is sent.
 */
export async function planProject(
  client: Client,
  project: Project,
  signer: Signer,
  limits: CallOptions,
): Promise<Step[]> {
  const sign = moduleSigner(signer)
  const built = await buildProject(project, async one => (await sign(one)).id)
  const steps: Step[] = []
  for (const one of built) {
    const { id, bytes } = await sign(one)
    const children = await Promise.all(one.children.map(async child => (await sign(child)).bytes))
    steps.push(await planOne(client, { built: one, module: id, item: bytes, children }, signer.address, limits))
  }
  return steps
}

async function planOne(
  client: Client,
  signed: Omit<Step, 'process' | 'action'>,
  owner: string,
  limits: CallOptions,
): Promise<Step> {
  const { built } = signed
  const process = await ownProcess(client, built.name, owner, limits)
  const step = { ...signed, process }
  if (process === undefined) {
    refuseArgs(built)
    return { ...step, action: 'spawn' }
  }
  const { moduleInForce } = await client.processes.get(process, limits)
  refuseOther(built, process, (await client.modules.get(moduleInForce, limits)).format)
  if (moduleInForce !== step.module) return { ...step, action: 'upgrade' }
  const isSame = built.app === undefined || (await hasApp(client, process, built, limits))
  return { ...step, action: isSame ? 'unchanged' : 'install' }
}

/** What has the name may be something else altogether, which no upgrade makes a process of this kind. */
function refuseOther({ name, format }: BuiltProcess, process: string, present: string): void {
  if (present === format) return
  const note = `a process of yours is called ${name} and has format ${present}, this one has ${format}`
  throw withNextStep(
    new Failure('already-there', { process }, { note }),
    'Give this one a name of its own in package.json: "atoll": {"processes": {"<name>": {…}}}.',
  )
}

/** A process whose init fails has no state for good, and holds its name: it is not made. */
function refuseArgs({ name, argsProblem }: BuiltProcess): void {
  if (argsProblem === undefined) return
  const note = `args of ${name}: ${argsProblem}; they stand in package.json: "atoll": {"processes": {"${name}": {"entry": …, "args": …}}}`
  throw new Failure('bad-input', { process: name }, { note })
}

/** The newest of several would be anybody's guess: the first in order of ids is taken, always the same. */
async function ownProcess(
  client: Client,
  name: string,
  owner: string,
  limits: CallOptions,
): Promise<string | undefined> {
  for await (const process of client.processes.list(limits)) {
    if (process.owner === owner && findTag(process.tags, 'Name') === name) return process.id
  }
  return undefined
}

/** Whether the program that stands in the files of a command is the one that was built: each file is a cell. */
async function hasApp(
  client: Client,
  process: string,
  { app, spawnTags }: BuiltProcess,
  limits: CallOptions,
): Promise<boolean> {
  const { document } = await client.processes.stateAt(process, limits)
  const cells = document['cells'] as Readonly<Record<string, string>> | undefined
  const file = cells?.[toBase64Url(toUtf8(`files${findTag(spawnTags, 'Command-App') ?? ''}`))]
  return file === toBase64Url(app ?? new Uint8Array(0))
}
