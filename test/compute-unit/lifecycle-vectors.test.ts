import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { HostedProcess } from '../../compute-unit/index.ts'
import { decodeEnvelope, describeProcess, fromHex, toHex } from '../../protocol/index.ts'
import type { PaperProgram } from './paper-runtime.ts'
import { onlyResult } from './scripted-guest.ts'
import { paper } from './upgraded.ts'

interface Vector {
  readonly programs: readonly PaperProgram[]
  readonly spawn: string
  readonly slots: readonly {
    readonly frame: string
    readonly status: string
    readonly error?: string
    readonly gas: string
    readonly stateRoot: string
  }[]
}

const path = join(import.meta.dirname, '../vectors/lifecycle.json')
const vector = JSON.parse(readFileSync(path, 'utf8')) as Vector

it('a frozen feed with control messages gives its frozen states', () => {
  const modules = new Map(vector.programs.map((program, at) => paper(at + 1, program)).map(one => [one.id, one]))
  const description = describeProcess(decodeEnvelope(fromHex(vector.spawn)))
  const loaded = modules.get(description.module)
  if (loaded === undefined) throw new TypeError('expected a module')
  const process = HostedProcess.open(description, loaded, undefined, id => modules.get(id))
  const verdict = { status: 'ok', sender: { owner: '', module: description.module } } as const
  const seen = vector.slots.map(({ frame }) => {
    const outcome = process.evaluate(fromHex(frame), [verdict], { steps: true })
    const { status, error } = onlyResult(outcome)
    const [step] = outcome.steps
    const facts = {
      frame,
      status,
      gas: String(step?.gas),
      stateRoot: toHex(step?.stateRoot ?? new Uint8Array(0)),
    }
    return error === undefined ? facts : { ...facts, error: error.code }
  })
  expect(seen).toEqual(vector.slots)
  const statuses = vector.slots.map(({ status, error }) => error ?? status)
  expect(statuses).toEqual([
    'ok',
    'ok',
    'ok',
    'ok',
    'bad-state',
    'ok',
    'ok',
    'ok',
    'not-owner',
    'ok',
    'ok',
    'ok',
    'ok',
    'ok',
  ])
})
