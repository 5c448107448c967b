/**
 * A reporter that closes a run with one plain line, `N passed, N failed`, so that a machine can read what ran.
 * It counts tests; what could not even be loaded counts as failed. Before it stand the tests that passed only at a second
 * attempt, each with what failed at first: such a test, or what it tests, has a fault that is to be found.
 */
export default class ClosingLine {
  onTestRunEnd(modules, unhandledErrors) {
    const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state, errors } = test.result()
        if (test.diagnostic()?.flaky) {
          const why = errors?.[0]?.message?.split('\n')[0] ?? 'no reason was given'
          process.stdout.write(
            `\nPASSED ONLY AT A SECOND ATTEMPT: ${module.relativeModuleId} > ${test.fullName}\n  ${why}\n`,
          )
        }
        if (state === 'passed' || state === 'failed') counts[state] += 1
        else counts.skipped += 1
      }
      if (!module.ok() && ![...module.children.allTests('failed')].length) counts.failed += 1
    }
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : ''
    process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`)
  }
}
