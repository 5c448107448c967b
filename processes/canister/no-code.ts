import type { CanisterState } from './state.ts'

/** A canister without a program. */
export const NO_CODE = {
  codeHash: undefined,
  ownCode: false,
  codeBytes: 0,
  heapPages: 0,
  stablePages: 0,
  globals: [],
} satisfies Partial<CanisterState>
