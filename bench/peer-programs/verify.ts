import { createRequire } from 'node:module'
import { median } from './median.ts'
import { runProgram } from './program.ts'

interface Sodium {
  readonly crypto_sign_PUBLICKEYBYTES: number
  readonly crypto_sign_SECRETKEYBYTES: number
  readonly crypto_sign_BYTES: number
  crypto_sign_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void
  crypto_sign_detached(signature: Uint8Array, message: Uint8Array, secretKey: Uint8Array): void
  crypto_sign_verify_detached(signature: Uint8Array, message: Uint8Array, publicKey: Uint8Array): boolean
}

interface Input {
  readonly messageBytes: number
  readonly batches: number
  readonly batchSize: number
}

/** One signature again and again is 3 µs cheaper: the processor learns its course by heart. Nobody verifies a message twice. */
const MESSAGES = 1_024
const US_PER_MS = 1_000

await runProgram<Input>(async ({ messageBytes, batches, batchSize }) => {
  const sodium = createRequire(import.meta.url)('sodium-native') as Sodium
  const publicKey = new Uint8Array(sodium.crypto_sign_PUBLICKEYBYTES)
  const secretKey = new Uint8Array(sodium.crypto_sign_SECRETKEYBYTES)
  sodium.crypto_sign_keypair(publicKey, secretKey)
  const signed = Array.from({ length: MESSAGES }, () => {
    const message = crypto.getRandomValues(new Uint8Array(messageBytes))
    const signature = new Uint8Array(sodium.crypto_sign_BYTES)
    sodium.crypto_sign_detached(signature, message, secretKey)
    return { message, signature }
  })
  const cpuUs: number[] = []
  const wallUs: number[] = []
  // one batch more than asked for: the first one warms up
  for (let batch = 0; batch <= batches; batch++) {
    const cpuBefore = process.cpuUsage()
    const start = performance.now()
    for (let i = 0; i < batchSize; i++) {
      const one = signed[i % MESSAGES]
      if (one === undefined) throw new Error('no message')
      if (!sodium.crypto_sign_verify_detached(one.signature, one.message, publicKey)) {
        throw new Error('a good signature was refused')
      }
    }
    const elapsedMs = performance.now() - start
    const cpu = process.cpuUsage(cpuBefore)
    if (batch === 0) continue
    cpuUs.push((cpu.user + cpu.system) / batchSize)
    wallUs.push((elapsedMs * US_PER_MS) / batchSize)
  }
  const figures = { cpuUsPerVerify: median(cpuUs), wallUsPerVerify: median(wallUs) }
  return { messageBytes, verifications: batches * batchSize, ...figures }
})
