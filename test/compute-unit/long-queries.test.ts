import { expect, it } from 'vitest'
import { IC_QUERY_BODY_MAX_BYTES } from '../../protocol/index.ts'
import { ComputeHarness } from './compute-harness.ts'

const asked = (bytes: number, tags: readonly { name: string; value: string }[]) => ({
  from: '',
  owner: '',
  id: '',
  tags: [...tags],
  data: new Uint8Array(bytes),
})

it('a query of a canister carries what a request may, any other no more than a message', {
  timeout: 60_000,
}, async () => {
  await using harness = await ComputeHarness.open()
  const process = await harness.spawn(await harness.addStandard('counter'))
  await harness.ask(process)
  const canisters = [{ name: 'Canister-Query', value: 'query' }]
  const { unit } = harness
  expect(await unit.query(process, asked(IC_QUERY_BODY_MAX_BYTES, canisters))).toMatchObject({ slot: 1 })
  const tooLarge = { code: 'too-large' }
  await expect(unit.query(process, asked(IC_QUERY_BODY_MAX_BYTES + 1, canisters))).rejects.toMatchObject(tooLarge)
  await expect(unit.query(process, asked(IC_QUERY_BODY_MAX_BYTES, []))).rejects.toMatchObject(tooLarge)
})
