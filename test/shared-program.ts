import { afterAll, vi } from 'vitest'
import { nativeCrypto } from '../node/crypto/native-crypto.ts'
import { installCrypto } from '../protocol/index.ts'

// Runs before each file that shares its program with others: it finds the program as a node has it, whatever the file
// before it installed, and leaves nothing that it replaced or stopped.
installCrypto(nativeCrypto)

afterAll(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
  vi.unstubAllEnvs()
})
