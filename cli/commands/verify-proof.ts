import { verifyProcess } from '../../node/index.ts'
import {
  counted,
  decodeEnvelope,
  decodeResultProof,
  describeProcess,
  describeSpawnItem,
  equalBytes,
  Failure,
  isResultProof,
  parseDataItem,
  toHex,
  isId,
} from '../../protocol/index.ts'
import { checkProof, type ProofStep, type ProvenResult } from '../../sdk/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findResult } from '../words/find-result.ts'
import { sourceFromNode } from '../remote-source.ts'
import { safeLine, textOf } from '../showing/show-bytes.ts'
import { showOutput } from '../showing/show-output.ts'
import { readUserFileIfAny } from '../words/user-files.ts'
import { commandName } from '../showing/words-to-type.ts'

interface Step extends Pick<ProofStep, 'holds' | 'what'> {
  readonly name: ProofStep['name'] | 'execution'
}

/** `atoll verify`: checks one result, from a file or from a node that is not believed, and says what each step shows. */
export async function verifyAny(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, output, terminal } = context
  const [text = ''] = positionals
  const { bytes, trusted, message } = await proofOf(context, text)
  const report = checkProof(bytes, {
    trusted: (await trustOf(context, flags['trust'])) ?? trusted,
    message,
  })
  // A name is what the node says it is; an id is what the user knows.
  const isAnchored = flags['trust'] !== undefined || (trusted !== undefined && text.startsWith(trusted))
  const steps: Step[] = report.steps.map(step =>
    step.name === 'trust' && step.holds && !isAnchored
      ? { ...step, what: 'it is the process that the node gives this name, which proves nothing by itself' }
      : step,
  )
  if (report.proven !== undefined && flags['execute'] === true) steps.push(await execute(context, report.proven))
  const isVerified = steps.every(step => step.holds)
  const facts = report.proven && isVerified ? factsOf(report.proven) : {}
  output.document('verify', { verified: isVerified, sizeBytes: bytes.length, ...facts, steps }, () =>
    steps
      .map(({ name, holds, what }) => {
        const mark = holds ? terminal.paint('green', '✔') : terminal.paint('red', '✖')
        return `${mark} ${name.padEnd(11)} ${safeLine(what)}`
      })
      .join('\n'),
  )
  if (!isVerified) return EXIT.verification
  if (report.proven !== undefined && output.format === 'text') tellEnd(context, report.proven, isAnchored)
  return undefined
}

/** The proof in a file, or of what a node is asked for; then also what the answer must be about. */
async function proofOf(
  context: CommandContext,
  text: string,
): Promise<{ bytes: Uint8Array; trusted?: string | undefined; message?: string | undefined }> {
  const file = await readUserFileIfAny(context.terminal, text)
  if (file !== undefined) {
    if (!isResultProof(file))
      throw new Failure(
        'bad-file',
        { path: text },
        { note: `it holds no proof; ${commandName(context)} proof export writes one` },
      )
    return { bytes: file }
  }
  const { process, slot, message } = await findResult(context, text).catch((error: unknown) => {
    if (!Failure.is(error, 'unknown-process')) throw error
    throw new Failure(error.code, error.details, { note: 'nor is there a file of that name' })
  })
  const bytes = await context
    .client()
    .exportProof(process, message ?? slot, { ...context.limits, message: true, output: true })
  // Whoever asks by the id of a message has not said which process it should be in.
  return message === undefined ? { bytes, trusted: process } : { bytes, message }
}

/** An id or key as it is; the process that the spawn message in a file makes. */
async function trustOf(context: CommandContext, text: unknown): Promise<string | undefined> {
  if (typeof text !== 'string') return undefined
  const file = await readUserFileIfAny(context.terminal, text)
  if (file !== undefined) return processIn(file)
  // A name is what a node says; trust needs what stands in signatures.
  if (!isId(text) && !text.startsWith('0x'))
    throw new Failure(
      'usage',
      { trust: text },
      { note: 'expected the id of a process, a key, or a file with a spawn message' },
    )
  return text
}

function processIn(bytes: Uint8Array): string {
  if (isResultProof(bytes)) {
    const [spawn] = decodeResultProof(bytes).spawns
    if (spawn !== undefined) return describeProcess(decodeEnvelope(spawn)).id
  }
  try {
    return describeProcess(decodeEnvelope(bytes)).id
  } catch {
    return describeSpawnItem(parseDataItem(bytes)).id
  }
}

/** Evaluates the process again up to the slot: its feed comes from the node, and is checked too. */
async function execute(context: CommandContext, { process, slot, certificate }: ProvenResult): Promise<Step> {
  const progress = context.progress('evaluating again')
  const source = sourceFromNode(context.client(), process.id, { signal: context.limits.signal })
  const report = await verifyProcess(source, {
    signal: context.terminal.signal,
    to: slot,
    onProgress: ({ slots }) => progress.at(slots, slot + 1),
  }).finally(progress.end)
  const { slots, firstFault, stateRoot } = report
  const name = 'execution'
  if (firstFault !== undefined) return { name, holds: false, what: `slot ${firstFault.slot}: ${firstFault.what}` }
  const isSame = slots === certificate.firstSlot + certificate.count && equalBytes(stateRoot, certificate.stateRoot)
  if (!isSame)
    return {
      name,
      holds: false,
      what: `evaluating ${counted(slots, 'slot')} here gives the state ${toHex(stateRoot)}, which is not the certified one`,
    }
  return {
    name,
    holds: true,
    what: `evaluating ${counted(slots, 'slot')} here gives the certified state ${toHex(stateRoot).slice(0, 16)}…`,
  }
}

function factsOf({ process, slot, message, head, certificate, block, signedBlocks, units, result }: ProvenResult) {
  const output = outputOf(head, result)
  return {
    process: process.id,
    slot,
    message,
    status: head.status,
    gas: head.gas,
    block,
    signedBlocks,
    units,
    stateRoot: toHex(certificate.stateRoot),
    output,
    outputText: output && textOf(output),
  }
}

function outputOf(head: ProvenResult['head'], result: ProvenResult['result']): Uint8Array | undefined {
  return result?.output ?? ('output' in head.detail ? head.detail.output : undefined)
}

/** What was proven, on standard error: what stands before it are the steps. */
function tellEnd({ terminal }: CommandContext, { process, head, result }: ProvenResult, isAnchored: boolean): void {
  const output = outputOf(head, result)
  if (output !== undefined && output.length > 0) terminal.err(`  output      ${showOutput(output)}\n`)
  if (!isAnchored)
    terminal.err(
      `  Nothing here says that you know this process. Is it the one you mean? Then: --trust ${process.id}\n`,
    )
}
