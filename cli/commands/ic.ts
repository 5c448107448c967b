import { createHash } from 'node:crypto'
import { basename, resolve } from 'node:path'
import {
  candidFields,
  candidRecord,
  type CandidType,
  type CandidValue,
  candidVariant,
  decodeCandid,
  type DidService,
  emptyCanisterModule,
  encodeCandid,
  Failure,
  MalformedBytes,
  parseDid,
  principalIn,
  principalOf,
  principalText,
  toBase64Url,
} from '../../protocol/index.ts'
import { buildMotoko } from '../../toolchain/index.ts'
import type { CommandContext } from '../command.ts'
import { findProcess, nameOf } from '../words/find-named.ts'
import { encodeArguments } from '../ic/candid-arguments.ts'
import { parseCandidText } from '../ic/candid-text.ts'
import { IcClient } from '../ic/ic-client.ts'
import { LINE_WIDTH, namesOf, showCandid } from '../ic/show-candid.ts'
import { withNextStep } from '../showing/next-step.ts'
import { parseTag, textFlag, textsFlag } from '../words/message-arguments.ts'
import { didYouMean } from '../../contract/index.ts'
import { whileWaiting } from '../showing/progress.ts'
import { readWasmFile, readUserFile } from '../words/user-files.ts'

const MANAGEMENT = new Uint8Array(0)
const CHUNK_BYTES = 1_000_000
const WHOLE_MAX_BYTES = 1_900_000
const BLOB: CandidType = { vec: 'nat8' }
const HASH: CandidType = { record: candidFields({ hash: BLOB }) }

/** `atoll ic deploy`: makes a canister and installs a program, or upgrades one that there is. */
export async function deployCanister(context: CommandContext): Promise<undefined> {
  const { positionals, output, flags, terminal } = context
  const [file = ''] = positionals
  // Read first: a file that cannot be is told like any other.
  const bytes = await (file.endsWith('.mo') ? readUserFile(terminal, file) : readWasmFile(terminal, file))
  const { wasm, candid } = file.endsWith('.mo')
    ? await whileWaiting('building', terminal, buildMotoko(resolve(terminal.cwd, file), packagesIn(context)))
    : { wasm: bytes, candid: undefined }
  const arg = encodeArguments(parseCandidText(textFlag(flags, 'argument') ?? '()'), interfaceOf(candid)?.init)
  const client = await openClient(context)
  const given = textFlag(flags, 'canister')
  const name = textFlag(flags, 'name') ?? programName(file)
  const known = given === undefined ? await ownCanister(context, client, name) : await findCanister(context, given)
  const canister = known ?? (await create(context, client, name))
  const upgrades = known !== undefined && (await client.look(known)) === 'code'
  const mode = upgrades ? UPGRADE : candidVariant('install')
  await whileWaiting('installing', terminal, install(client, canister, wasm, arg, mode))
  if (output.format === 'text') terminal.err(`${upgrades ? 'upgraded' : 'installed'} ${given ?? name}\n`)
  const id = principalText(canister)
  const about = { canister: id, ...(given === undefined ? { name } : {}), file: basename(file), upgraded: upgrades }
  output.document('canister.deployed', { ...about, sizeBytes: wasm.length }, () => id)
}

/** Folders of sources by the name of their package. @throws {Failure} `usage` */
function packagesIn({ flags, terminal }: CommandContext): ReadonlyMap<string, string> {
  const given = textsFlag(flags, 'package').map(parseTag)
  return new Map(given.map(({ name, value }) => [name, resolve(terminal.cwd, value)]))
}

/** What a program is called that nobody gives another name: its file without what stands behind the first dot. */
const programName = (file: string): string => basename(file).split('.', 1)[0] ?? file

/**
 * The canister of that name that the user made, and that is still there.
 * @throws {Failure} `already-there` if another process of the user's has the name: both could be called by ids only
 */
async function ownCanister(context: CommandContext, client: IcClient, name: string): Promise<Uint8Array | undefined> {
  const { address } = await context.signer()
  let other: string | undefined
  for await (const { id, module, owner, tags } of context.client().processes.list(context.limits)) {
    if (owner !== address || nameOf(tags) !== name) continue
    if (module !== emptyCanisterModule().id) other = id
    else if ((await client.look(principalOf(id))) !== 'none') return principalOf(id)
  }
  if (other === undefined) return undefined
  throw withNextStep(
    new Failure(
      'already-there',
      { process: other },
      { note: `a process of yours is called ${name} and is no canister` },
    ),
    'Give the canister another name: --name.',
  )
}

/** `atoll ic call`: an update, certified and checked; or a query, where it is one or is wanted. @throws {Failure} `usage` */
export async function callCanister(context: CommandContext): Promise<undefined> {
  const { positionals, output, flags } = context
  const [name = '', method = '', text = '()'] = positionals
  const { query = false, update = false } = flags
  if (query === true && update === true)
    throw new Failure('usage', {}, { note: 'a call is a query or an update, not both' })
  const canister = await findCanister(context, name)
  const client = await openClient(context)
  const did = await client.candid(canister)
  if (did === undefined && principalIn(name) === undefined && (await client.look(canister)) === 'none')
    throw noCanister(name)
  const methods = interfaceOf(did)?.methods
  const told = methods?.get(method)
  const arg = encodeArguments(parseCandidText(text), told?.args)
  const isQuery = query === true || (told?.isQuery === true && update !== true)
  const asked = isQuery ? client.query(canister, method, arg) : client.update(canister, method, arg)
  const reply = await asked.catch((error: unknown) => {
    throw methods !== undefined && told === undefined ? notInInterface(error, method, [...methods.keys()]) : error
  })
  const [values, names] = [decodeCandid(reply), namesOf(did ?? '')]
  const shown = { canister: principalText(canister), method, candid: showCandid(values, names) }
  output.document('canister.reply', { ...shown, reply: Buffer.from(reply).toString('hex') }, () =>
    showCandid(values, names, LINE_WIDTH),
  )
}

/** A canister may take what it does not tell of, so it was asked; it has none of that name: then those it tells of are of use. */
function notInInterface(error: unknown, method: string, known: readonly string[]): unknown {
  if (!Failure.is(error, 'process-error') || error.details['code'] !== NO_SUCH_METHOD || known.length === 0)
    return error
  return withNextStep(error, `Its methods are ${known.join(', ')}${didYouMean(method, known) || '.'}`)
}

/** The IC's error code of a method that a canister does not have. */
const NO_SUCH_METHOD = 'IC0536'

const noCanister = (name: string): Failure =>
  withNextStep(
    new Failure('usage', { process: name }, { note: 'that process is no canister' }),
    command => `Its messages go by ${command} call, or by ${command} send if it keeps no contract.`,
  )

/** What an interface says; nothing, if it is none that can be read. */
function interfaceOf(did: string | undefined): DidService | undefined {
  try {
    return did === undefined ? undefined : parseDid(did)
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** `atoll ic id`: the principal of a process, or of whoever signs. */
export async function showPrincipal(context: CommandContext): Promise<undefined> {
  const [name] = context.positionals
  const principal = name === undefined ? (await openClient(context)).sender : await findCanister(context, name)
  const text = principalText(principal)
  context.output.document('principal', { principal: text }, () => text)
}

/** The interface of a canister in Candid; nothing, if it is none or shows none. */
export async function candidOf(context: CommandContext, process: string): Promise<string | undefined> {
  try {
    return await (await openClient(context)).candid(principalOf(process))
  } catch (error) {
    if (Failure.is(error)) return undefined
    throw error
  }
}

async function openClient({ settings, icSigner, limits }: CommandContext): Promise<IcClient> {
  return new IcClient(settings.url, await icSigner(), limits)
}

/** A principal as text, or a process by id or name. */
async function findCanister(context: CommandContext, name: string): Promise<Uint8Array> {
  return principalIn(name) ?? principalOf(await findProcess(context, name))
}

/** Spawns what a request of the user makes: the user's own item, so that it has a name and its process is the user's. */
async function create(context: CommandContext, client: IcClient, name: string): Promise<Uint8Array> {
  const arg = encodeCandid([[{ record: [] }, candidRecord({})]])
  const { request, rootKey } = await client.creation('provisional_create_canister_with_cycles', arg)
  const process = await context.client().spawn(
    {
      module: emptyCanisterModule().id,
      tags: [
        { name: 'Name', value: name },
        { name: 'Canister-Request', value: 'ingress' },
        { name: 'IC-Root-Key', value: toBase64Url(rootKey) },
      ],
      data: request,
      signer: await context.signer(),
    },
    context.limits,
  )
  return principalOf(process.id)
}

const KEEP: CandidType = { variant: candidFields({ keep: 'null' }) }
const OPTIONS: CandidType = { record: candidFields({ wasm_memory_persistence: { opt: KEEP } }) }
const MODE: CandidType = { variant: candidFields({ install: 'null', upgrade: { opt: OPTIONS } }) }
const UPGRADE = candidVariant('upgrade', {
  opt: candidRecord({ wasm_memory_persistence: { opt: candidVariant('keep') } }),
})

/** In one message if it fits, else in pieces. A heap that outlives upgrades is kept; other programs know nothing of it. */
async function install(
  client: IcClient,
  canister: Uint8Array,
  wasm: Uint8Array,
  arg: Uint8Array,
  mode: CandidValue,
): Promise<void> {
  const ask = (
    method: string,
    type: Readonly<Record<string, CandidType>>,
    value: Readonly<Record<string, CandidValue>>,
  ): Promise<Uint8Array> =>
    client.update(MANAGEMENT, method, encodeCandid([[{ record: candidFields(type) }, candidRecord(value)]]), canister)
  if (wasm.length <= WHOLE_MAX_BYTES) {
    const type = { mode: MODE, canister_id: 'principal', wasm_module: BLOB, arg: BLOB } as const
    await ask('install_code', type, { mode, canister_id: { principal: canister }, wasm_module: wasm, arg })
    return
  }
  const hashes: CandidValue[] = []
  for (let at = 0; at < wasm.length; at += CHUNK_BYTES) {
    const chunk = wasm.slice(at, at + CHUNK_BYTES)
    await ask(
      'upload_chunk',
      { canister_id: 'principal', chunk: BLOB },
      { canister_id: { principal: canister }, chunk },
    )
    hashes.push(candidRecord({ hash: sha256Of(chunk) }))
  }
  const type = {
    mode: MODE,
    target_canister: 'principal',
    chunk_hashes_list: { vec: HASH },
    wasm_module_hash: BLOB,
    arg: BLOB,
  } as const
  await ask('install_chunked_code', type, {
    mode,
    target_canister: { principal: canister },
    chunk_hashes_list: hashes,
    wasm_module_hash: sha256Of(wasm),
    arg,
  })
}

const sha256Of = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(bytes).digest())
