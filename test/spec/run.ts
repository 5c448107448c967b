/**
 * Runs the WebAssembly specification tests on original and on rewritten modules:
 *
 *     node test/spec/run.ts [part of a file name]
 *
 * Exits with 1 if a check fails that is not explained by a refusal, or if the tests are not there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KNOWN } from './known.ts'
import type { Command, ManifestEntry } from './script.ts'
import { type Outcome, ScriptRun } from './script-run.ts'

const ROOT = join(import.meta.dirname, '../../.cache/spec-tests')
/** Fewer means that the cache is broken, and a run that proves nothing must not pass. */
const CHECKS_MIN = 20_000

const print = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const reasonOf = (outcome: Outcome): string =>
  [...new Set([...outcome.refused].map(message => message.split(' at byte')[0]))].sort().join(', ')

function row(entry: ManifestEntry, before: Outcome, after: Outcome): string {
  const cells = [
    `${entry.suite}/${entry.name}`.padEnd(44),
    String(before.passed).padStart(6),
    String(after.passed).padStart(6),
    String(after.skipped).padStart(6),
    `  ${reasonOf(after)}`,
  ]
  return cells.join('').trimEnd()
}

function main(filter: string): number {
  if (!existsSync(join(ROOT, 'manifest.json'))) {
    print(`No specification tests in ${ROOT}. Bring them: node scripts/fetch-spec-tests.mjs`)
    return 1
  }
  const manifest: ManifestEntry[] = JSON.parse(readFileSync(join(ROOT, 'manifest.json'), 'utf8'))
  const failures: string[] = []
  const known = new Set<string>()
  let checks = 0
  print(`${'file'.padEnd(44)}before after  skip  refused because`)
  for (const entry of manifest.filter(({ name }) => name.includes(filter))) {
    if (entry.unconverted !== undefined) continue
    const folder = join(ROOT, entry.suite, entry.name)
    const script = JSON.parse(readFileSync(join(folder, `${entry.name}.json`), 'utf8'))
    const commands: Command[] = script.commands
    const before = new ScriptRun(folder, false).run(commands)
    const after = new ScriptRun(folder, true).run(commands)
    checks += after.passed
    print(row(entry, before, after))
    for (const [when, { failures: found }] of Object.entries({ before, after })) {
      for (const { line, what } of found) {
        const place = `${entry.suite}/${entry.name}:${line}`
        const reason = KNOWN.get(place)
        if (reason === undefined) failures.push(`${place} ${when}: ${what}`)
        else known.add(`  ${place}: ${reason}`)
      }
    }
  }
  printUnconverted(manifest)
  print(`${known.size} checks that fail for a reason outside the rewriter:`)
  for (const line of known) print(line)
  print(`${checks} checks passed on rewritten modules, ${failures.length} failures`)
  for (const failure of failures) print(failure)
  if (filter === '' && checks < CHECKS_MIN) {
    print(`expected at least ${CHECKS_MIN} checks: the cache is incomplete`)
    return 1
  }
  return failures.length === 0 ? 0 : 1
}

function printUnconverted(manifest: readonly ManifestEntry[]): void {
  const files = manifest.filter(({ unconverted }) => unconverted !== undefined)
  print(`\n${files.length} files that wabt does not read (other proposals, text errors, old syntax):`)
  for (const { suite, name, unconverted } of files) print(`  ${suite}/${name}: ${unconverted}`)
  print('')
}

process.exitCode = main(process.argv[2] ?? '')
