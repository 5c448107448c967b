import { describe, expect, it } from 'vitest'
import { ed25519Signer, Failure, signMessage, signModule, signSpawn } from '../../sdk/index.ts'

const signer = ed25519Signer(new Uint8Array(32).fill(3))
const ID = 'A'.repeat(43)

const send = (fields: object): Promise<unknown> => signMessage(ID, fields, signer)
const failureOf = async (tried: Promise<unknown>): Promise<string> => {
  const error = await tried.then(
    () => undefined,
    error => error,
  )
  return Failure.is(error, 'malformed-request') ? String(error.details['problems']) : `not refused: ${error}`
}

describe('fields of a caller without types', () => {
  it.each<[string, () => Promise<unknown>, string]>([
    ['no process', () => signMessage(undefined as unknown as string, {}, signer), 'process'],
    ['a process that is no id', () => signMessage('hits', {}, signer), 'process'],
    ['a number as value of a tag', () => send({ tags: [{ name: 'Quantity', value: 5 }] }), 'tags.0.value'],
    ['tags that are no list', () => send({ tags: { Quantity: '5' } }), 'tags'],
    ['an object as data', () => send({ data: { a: 1 } }), 'data: expected text or bytes'],
    ['a number as action', () => send({ action: 7 }), 'action'],
    ['half a character', () => send({ tags: [{ name: 'x', value: '\ud800' }] }), 'lone surrogate'],
    ['a short anchor', () => send({ anchor: new Uint8Array(5) }), 'anchor: expected 32 bytes'],
    [
      'too many tags',
      () => send({ tags: Array.from({ length: 200 }, () => ({ name: 'x', value: 'y' })) }),
      'at most 128 tags',
    ],
    ['too long tags', () => send({ tags: [{ name: 'x', value: 'y'.repeat(5000) }] }), 'at most 4096 bytes'],
    ['no module', () => signSpawn({} as { module: string }, [ID], signer), 'module'],
    ['a module by name', () => signSpawn({ module: 'counter' }, [ID], signer), 'module'],
    [
      'a module as text',
      () => signModule('(module)' as unknown as Uint8Array, { format: 'actor' }, signer),
      'wasm: expected bytes',
    ],
    ['a module without format', () => signModule(new Uint8Array(8), {} as { format: string }, signer), 'format'],
  ])('%s: refused before anything is signed, naming the field', async (_, tried, named) => {
    expect(await failureOf(tried())).toContain(named)
  })

  it('takes bytes of every kind, and data that is not there', async () => {
    expect((await signMessage(ID, { data: Buffer.from('a'), tags: [] }, signer)).id).toHaveLength(43)
    expect((await signMessage(ID, {}, signer)).id).toHaveLength(43)
  })
})
