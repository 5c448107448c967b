import { readFile } from 'node:fs/promises'
import { Failure, fromHex } from '../protocol/index.ts'
import { refuseOpen } from '../secrets/index.ts'

const FORM = /^[0-9a-f]{64}$/

/** The seed of a root key of the IC's kind that nodes share: a file of 64 hexadecimal digits, for its owner alone. @throws {Failure} `bad-config` */
export async function readRootSeed(path: string): Promise<Uint8Array> {
  const text = await readFile(path, 'utf8').catch(cause => {
    throw new Failure('bad-config', { setting: 'icRootSeed', path }, { cause, note: 'it cannot be read' })
  })
  await refuseOpen(path)
  if (!FORM.test(text.trim()))
    throw new Failure('bad-config', { setting: 'icRootSeed', path }, { note: 'expected 64 hexadecimal digits' })
  return fromHex(text.trim())
}
