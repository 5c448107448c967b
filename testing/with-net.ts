import { createTestNet } from './create-test-net.ts'
import type { TestNet, TestNetOptions } from './test-net.ts'

/** What a test runner tells a test of itself: node:test and vitest, each in its own way. */
interface TestContext {
  readonly name?: string
  readonly filePath?: string
  readonly task?: { readonly name: string; readonly file?: { readonly filepath?: string } }
  /** Calls back behind a test that failed (vitest), or behind every test (node:test); and waits. */
  readonly onTestFailed?: (act: () => Promise<void>) => void
  readonly after?: (act: () => Promise<void>) => void
}

/**
 * The body of a test, with a network of its own: `test('…', withNet({ nodes: 3 }, async net => { … }))`. If it fails,
 * its error tells the seed, how to run it again, what happened last and the trees of the last messages. If its runner ends it, because
 * it took too long, that stands on stderr. A promise that was rejected and that nobody awaits fails it, too.
 */
export function withNet(
  options: TestNetOptions,
  body: (net: TestNet) => Promise<void>,
): (context?: object) => Promise<void> {
  return async (context: TestContext = {}) => {
    await using net = await createTestNet(options)
    const report = async (): Promise<string> => {
      const what = await net.report().catch((failure: unknown) => `no report: ${String(failure)}`)
      return `again: ${rerunLine(net, context)}\n${what}`
    }
    const over = new AbortController()
    const tellIfCutOff = async (): Promise<void> => {
      if (!over.signal.aborted) process.stderr.write(`${await report()}\n`)
    }
    if (context.onTestFailed !== undefined) context.onTestFailed(tellIfCutOff)
    else context.after?.(tellIfCutOff)
    try {
      await withoutStrays(body(net))
    } catch (error) {
      throw told(error, await report())
    } finally {
      over.abort()
    }
  }
}

/** Runners tell of a rejection that nobody handles, but not which network it was in: it ends the work. */
async function withoutStrays(work: Promise<void>): Promise<void> {
  const { promise: stray, reject } = Promise.withResolvers<never>()
  process.on('unhandledRejection', reject)
  try {
    await Promise.race([work, stray])
  } finally {
    process.off('unhandledRejection', reject)
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
