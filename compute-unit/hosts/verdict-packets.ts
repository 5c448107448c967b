import { asKeyId, asModuleId, type CborReader, type CborWriter, readId, readSmall } from '../../protocol/index.ts'
import type { Verdict } from '../evaluation/frame-outcome.ts'

/** Verdicts on the assignments of a frame, as they go to a host: a number, or the owner and module of a sender. */
export function writeVerdicts(writer: CborWriter, verdicts: readonly Verdict[]): void {
  writer.array(verdicts.length)
  for (const verdict of verdicts) {
    if (verdict.status !== 'ok') writer.uint(verdict.status === 'duplicate' ? 1 : 2)
    else if (verdict.sender.owner === '') writer.uint(0)
    else {
      writer.array(2)
      writer.base64Url(verdict.sender.owner)
      writer.base64Url(verdict.sender.module)
    }
  }
}

/** The verdict on an item: nothing has to be known about its sender. */
export const ITEM_VERDICT: Verdict = { status: 'ok', sender: { owner: '', module: asModuleId('') } }

export function readVerdicts(reader: CborReader): Verdict[] {
  const verdicts: Verdict[] = []
  for (let left = reader.array(); left > 0; left--) {
    if (reader.peek() === 4) {
      reader.array()
      verdicts.push({ status: 'ok', sender: { owner: asKeyId(readId(reader)), module: asModuleId(readId(reader)) } })
      continue
    }
    const code = readSmall(reader)
    verdicts.push(code === 0 ? ITEM_VERDICT : { status: code === 1 ? 'duplicate' : 'refused' })
  }
  return verdicts
}
