import { expect } from 'vitest'
import { ed25519Signer, generateEd25519Seed } from '../../protocol/index.ts'
import { Client, type Transport } from '../../sdk/index.ts'
import type { FakeUnits } from '../fakes/fake-units.ts'

/** A way to a node, and the units behind it. */
export interface ClientUnderTest {
  readonly transport: Transport
  readonly units: FakeUnits
  readonly close: () => Promise<void>
}

export const MODULE = `${'M'.repeat(42)}A`
export const anyFailure = (code: string) => expect.objectContaining({ name: 'Failure', code })

/** Runs a test with a client of a fresh node, and closes it. */
export async function withClient(
  open: () => Promise<ClientUnderTest>,
  run: (client: Client, units: FakeUnits) => Promise<void>,
): Promise<void> {
  const { transport, units, close } = await open()
  try {
    await run(new Client({ transport, signer: ed25519Signer(generateEd25519Seed()) }), units)
  } finally {
    await close()
  }
}
