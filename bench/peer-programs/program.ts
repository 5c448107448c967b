/** What every peer program shares: its input, its one answer, and dying with its parent. */

import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const fromPeers = createRequire(fileURLToPath(new URL('../peers/package.json', import.meta.url)))

/** A package installed in bench/peers/, seen through the few members that we use. */
export function peerPackage<T>(name: string): T {
  return fromPeers(name) as T
}

/** The path of a file inside a package installed in bench/peers/. */
export function peerFile(path: string): string {
  return fileURLToPath(new URL(`../peers/node_modules/${path}`, import.meta.url))
}

export function report(text: string): void {
  process.send?.({ progress: text })
}

/** Runs `main` on the parent's input and sends its answer; servers simply go on running. */
export async function runProgram<I>(main: (input: I) => Promise<unknown>): Promise<void> {
  // 0 is our own process group: us and whatever we started
  process.once('disconnect', () => process.kill(0, 'SIGKILL'))
  try {
    const answer = await main(JSON.parse(process.argv[2] ?? '{}') as I)
    process.send?.({ answer })
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    process.send?.({ failure: text })
  }
}
