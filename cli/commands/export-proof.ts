import { counted } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { findResult } from '../words/find-result.ts'
import { writeUserFile } from '../words/user-files.ts'
import { verify } from '../../sdk/index.ts'

/** Of the process's id, in the name of a file. */
const NAME_CHARACTERS = 8

/** `atoll proof export`: fetches a proof, checks it here, and writes it down. */
export async function exportProofFile(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, limits, output, terminal } = context
  const { process, slot, message } = await findResult(context, positionals[0] ?? '')
  const brought = flags['bare'] !== true
  const proof = await context
    .client()
    .exportProof(process, message ?? slot, { ...limits, message: brought, output: brought })
  verify(proof, { trusted: process, message })
  const file = typeof flags['file'] === 'string' ? flags['file'] : `${process.slice(0, NAME_CHARACTERS)}-${slot}.proof`
  await writeUserFile(terminal, file, proof)
  const document = { process, slot, message, file, sizeBytes: proof.length }
  output.document(
    'proof.exported',
    document,
    () => `${terminal.paint('green', '✔')} ${file}: slot ${slot}, ${counted(proof.length, 'byte')}`,
  )
  return undefined
}
