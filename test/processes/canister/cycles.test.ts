import { expect, it } from 'vitest'
import { CanisterFactory } from '../../../processes/canister/factory.ts'
import { Machine } from '../../../processes/canister/machine.ts'
import { decodeState } from '../../../processes/canister/state.ts'

it('counts no more cycles than 128 bits hold', () => {
  const none = new Uint8Array(0)
  const machine = new Machine({ self: none, subnet: none, rootKey: none }, new CanisterFactory(undefined), undefined)
  machine.change({ cycles: (1n << 128n) + 5n })
  expect(decodeState(machine.engine()).cycles).toBe((1n << 128n) - 1n)
})
