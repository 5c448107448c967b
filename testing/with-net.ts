import { createTestNet } from './create-test-net.ts'
import type { TestNet, TestNetOptions } from './test-net.ts'

/** What a test runner tells a test of itself: node:test and vitest, each in its own way. */
interface TestContext {
  readonly name?: string
  readonly filePath?: string
  readonly task?: { readonly name: string; readonly file?: { readonly filepath?: string } }
}

/**
 * The body of a test, with a network of its own: `test('…', withNet({ nodes: 3 }, async net => { … }))`. If it fails,
 * its error tells the seed, how to run it again, what happened last and the trees of the last messages.
 */
export function withNet(
  options: TestNetOptions,
  body: (net: TestNet) => Promise<void>,
): (context?: object) => Promise<void> {
  return async context => {
    await using net = await createTestNet(options)
    try {
      await body(net)
    } catch (error) {
      const report = await net.report().catch((failure: unknown) => `no report: ${String(failure)}`)
      throw told(error, `again: ${rerunLine(net, context ?? {})}\n${report}`)
    }
  }
}

/** The error itself, so that its runner can still show what it expected; with the report in what it says. */
function told(error: unknown, report: string): unknown {
  if (!(error instanceof Error)) return new Error(`${String(error)}\n\n${report}`, { cause: error })
  // The stack is read first: one that nobody has read yet would be made of the new message.
  const { message: before, stack } = error
  error.message = `${before}\n\n${report}`
  if (stack !== undefined) error.stack = stack.replace(before, () => error.message)
  return error
}

function rerunLine({ seed, simulated }: TestNet, context: TestContext): string {
  const name = context.task?.name ?? context.name ?? ''
  const file = context.task?.file?.filepath ?? context.filePath ?? ''
  const runner = context.task === undefined ? ['node', '--test'] : ['npx', 'vitest', 'run']
  const only = context.task === undefined ? '--test-name-pattern' : '-t'
  // Node takes what comes behind a file for another file.
  const words = [...runner, ...(name === '' ? [] : [only, JSON.stringify(name)]), ...(file === '' ? [] : [file])]
  const where = simulated ? `ATOLL_SEED=${seed}` : `ATOLL_TEST_URL=${process.env['ATOLL_TEST_URL']}`
  return `${where} ${words.join(' ')}`
}
