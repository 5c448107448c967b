import {
  asProcessId,
  counted,
  decodeEvidence,
  EVIDENCE_KINDS,
  type EvidenceKind,
  type EvidenceRecord,
  type EvidenceView,
  Failure,
  isId,
  judgeFault,
  MalformedBytes,
  type ProcessDescription,
  provenProcess,
  readComplaint,
  refuteEquivocation,
} from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { findProcess } from '../words/find-named.ts'
import { shortId } from '../showing/short-id.ts'
import { renderTable } from '../showing/table.ts'
import { readUserFileIfAny, writeUserFile } from '../words/user-files.ts'
import { lineageOf } from '../verified-result.ts'
import { commandName } from '../showing/words-to-type.ts'

/** `atoll evidence list`: who broke the rules, as far as the node knows. */
export async function listEvidence(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, output, limits } = context
  const [name] = positionals
  const process = name === undefined ? undefined : asProcessId(await findProcess(context, name))
  const { evidence } = await context
    .client()
    .transport.request('listEvidence', { process, kind: kindOf(flags['kind']) }, limits)
  output.list('evidence', 'evidence', evidence, () =>
    evidence.length === 0
      ? 'nothing is known against anybody'
      : renderTable(
          ['ID', 'KIND', 'PROCESS', 'ACCUSED', 'ABOUT', 'SEEN'].map(title => ({ title })),
          evidence.map(one => [
            one.id,
            one.kind,
            shortId(one.process),
            one.accused.map(shortId).join(' '),
            about(one),
            new Date(one.seenMs).toISOString(),
          ]),
        ),
  )
  return undefined
}

function kindOf(text: unknown): EvidenceKind | undefined {
  if (typeof text !== 'string') return undefined
  const kind = EVIDENCE_KINDS.find(one => one === text)
  if (kind === undefined) throw new Failure('usage', { kind: text, known: EVIDENCE_KINDS }, { note: 'no such kind' })
  return kind
}

function about({ length, slot, message, settled }: EvidenceView): string {
  if (length !== undefined) return `${counted(length - 1, 'block')} in common`
  if (slot !== undefined) return `from slot ${slot} on`
  return `message ${shortId(message ?? '')}, ${settled === true ? 'settled' : 'open'}`
}

/** `atoll evidence show`: one piece, for eyes or into a file. */
export async function showEvidence(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, output, limits, terminal } = context
  const id = positionals[0] ?? ''
  if (!isId(id))
    throw new Failure(
      'usage',
      { evidence: id },
      { note: `expected the id of a piece of evidence; ${commandName(context)} evidence list` },
    )
  const bytes = await context.client().transport.request('evidence', { evidence: id }, limits)
  if (typeof flags['file'] === 'string') await writeUserFile(terminal, flags['file'], bytes)
  const record = decodeEvidence(bytes)
  output.document(
    'evidence.piece',
    { id, sizeBytes: bytes.length, ...record },
    () => `${record.kind}, ${counted(bytes.length, 'byte')}: ${told(record)}`,
  )
  return undefined
}

function told(record: EvidenceRecord): string {
  switch (record.kind) {
    case 'equivocation':
      return `the schedulers of ${record.proof.process} signed two feeds that differ within their first ${counted(record.proof.length, 'block')}`
    case 'fault':
      return `compute unit ${record.fault.unit} of ${record.fault.process} signed what a frame did not give`
    case 'complaint':
      return `no receipt from ${new Date(record.complaint.sinceMs).toISOString()} to ${new Date(record.complaint.untilMs).toISOString()}`
  }
}

/** `atoll evidence verify`: checks a piece here; the node gives the spawn message, and is not believed. */
export async function verifyEvidence(context: CommandContext): Promise<CommandEnd> {
  const { output, terminal } = context
  const record = readEvidence(await bytesOf(context))
  const [holds, what] = await judged(context, record)
  output.document(
    'evidence.verified',
    { kind: record.kind, holds, what },
    () => `${holds ? terminal.paint('green', '✔') : terminal.paint('red', '✖')} ${what}`,
  )
  return holds ? undefined : EXIT.verification
}

function readEvidence(bytes: Uint8Array): EvidenceRecord {
  try {
    return decodeEvidence(bytes)
  } catch (cause) {
    if (!(cause instanceof MalformedBytes)) throw cause
    throw new Failure('bad-evidence', {}, { cause, note: 'these are not the bytes of a piece of evidence' })
  }
}

async function judged(context: CommandContext, record: EvidenceRecord): Promise<[holds: boolean, what: string]> {
  if (record.kind === 'complaint') {
    const facts = readComplaint(record.complaint)
    return typeof facts === 'string'
      ? [false, facts]
      : [true, `its witness says so of message ${facts.message}; it proves no fault`]
  }
  if (record.kind === 'equivocation') {
    const reason = refuteEquivocation(record.proof, await described(context, record.proof.process))
    return reason === undefined ? [true, told(record)] : [false, reason]
  }
  const verdict = judgeFault(record.fault, await described(context, record.fault.process))
  if (verdict.verdict === 'refuted') return [false, verdict.reason]
  if (verdict.verdict === 'open')
    return [false, `it takes an evaluation to tell: ${commandName(context)} process verify`]
  return [true, told(record)]
}

async function described(context: CommandContext, process: string): Promise<ProcessDescription> {
  const { envelopes, epochs } = await lineageOf(context.client(), process, context.limits)
  const description = provenProcess(envelopes, epochs)
  if (description.id !== process)
    throw new Failure('verification-failed', { process }, { note: 'the spawn message is of another process' })
  return description
}

/** `atoll evidence add`: hands a piece to the node. */
export async function addEvidence(context: CommandContext): Promise<CommandEnd> {
  const { output, limits, terminal } = context
  const { evidence, isNew } = await context
    .client()
    .transport.request('addEvidence', { bytes: await bytesOf(context) }, limits)
  output.document(
    'evidence.added',
    { evidence, isNew },
    () => `${terminal.paint('green', '✔')} ${evidence}${isNew ? '' : ' was known'}`,
  )
  return undefined
}

async function bytesOf({ positionals, limits, terminal, client }: CommandContext): Promise<Uint8Array> {
  const text = positionals[0] ?? ''
  const file = await readUserFileIfAny(terminal, text)
  if (file !== undefined) return file
  if (isId(text)) return client().transport.request('evidence', { evidence: text }, limits)
  throw new Failure('bad-file', { path: text }, { note: 'there is none, nor is this the id of a piece of evidence' })
}
