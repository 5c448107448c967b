import { type Ending, fromUtf8, type Guest, type GuestMessage, HostFault, type Runtime } from '../../protocol/index.ts'

const NO_BYTES = new Uint8Array(0)

/**
 * A format for tests, whose guests break their host as a message says: `bug` throws what nobody expects, `fault` says that the engine
 * failed, `exit` ends the host.
 */
export const breakingRuntime: Runtime = {
  formats: ['breaking'],
  assignable: false,
  stateForm: 'memory',
  prepare: ({ wasm }) => wasm,
  load: () => ({
    image: { pages: 0, chunks: new Map<number, Uint8Array>(), engine: NO_BYTES },
    open: () => new BreakingGuest(),
    close: () => undefined,
  }),
}

class BreakingGuest implements Guest {
  readonly pages = 0
  readonly sizeBytes = 0

  run({ data }: GuestMessage): Ending {
    const word = fromUtf8(data)
    if (word === 'bug') throw new TypeError('what nobody expected')
    if (word === 'fault') throw new HostFault('the engine failed')
    if (word === 'exit') process.exit(1)
    return { status: 'ok', gas: 1n, output: data }
  }

  keep(): void {}
  discard(): void {}
  takeChanged(): readonly number[] {
    return []
  }
  chunk(): Uint8Array {
    return NO_BYTES
  }
  engine(): Uint8Array {
    return NO_BYTES
  }
  close(): void {}
}
