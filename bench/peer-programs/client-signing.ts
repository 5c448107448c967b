import { openAoconnect, signingTimesMs } from './aoconnect.ts'
import { median } from './median.ts'
import { runProgram } from './program.ts'

const WARM_UP = 10
const US_PER_MS = 1_000

await runProgram<{ readonly signatures: number }>(async ({ signatures }) => {
  const { client, signer } = openAoconnect()
  await signingTimesMs(client, signer, WARM_UP)
  const before = process.cpuUsage()
  const timesMs = await signingTimesMs(client, signer, signatures)
  const cpu = process.cpuUsage(before)
  const cpuMsPerSignature = (cpu.user + cpu.system) / US_PER_MS / signatures
  return { signatures, medianMs: median(timesMs), cpuMsPerSignature }
})
