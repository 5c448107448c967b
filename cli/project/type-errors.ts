import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Bytes of a compiler's answer that are read. */
const ANSWER_MAX_BYTES = 1 << 20
/** Lines of it that are shown. */
const SHOWN_LINES = 12

/**
 * What the TypeScript compiler of a project says is wrong, in lines; none, where the project has no compiler or no
 * `tsconfig.json`, or the look was ended. A build takes types away without a look at them.
 */
export async function typeErrors(folder: string, signal: AbortSignal): Promise<readonly string[]> {
  const compiler = compilerOf(folder)
  if (compiler === undefined || !existsSync(join(folder, 'tsconfig.json'))) return []
  const options = { cwd: folder, signal, maxBuffer: ANSWER_MAX_BYTES }
  const said = await new Promise<string>(done => {
    execFile(process.execPath, [compiler, '--noEmit', '--pretty', 'false', '-p', '.'], options, (_, stdout) =>
      done(stdout),
    )
  })
  if (signal.aborted) return []
  const lines = said.split('\n').filter(line => line.trim() !== '')
  const more = lines.length - SHOWN_LINES
  return more > 0 ? [...lines.slice(0, SHOWN_LINES), `and ${more} more`] : lines
}

function compilerOf(folder: string): string | undefined {
  try {
    return join(dirname(createRequire(join(folder, 'package.json')).resolve('typescript/package.json')), 'bin', 'tsc')
  } catch {
    return undefined
  }
}
