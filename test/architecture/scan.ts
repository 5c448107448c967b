import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A source file and what the rules ask about it. */
export interface Source {
  /** The top folder it lies in. */
  readonly room: string
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly lines: number
  readonly imports: readonly string[]
  /** Text without comments. */
  readonly code: string
}

const IMPORTS: readonly RegExp[] = [
  // import … from 'x', export … from 'x', type-only or not, over several lines
  /\b(?:import|export)\s[^'"`;]*?\bfrom\s*['"]([^'"\n]+)['"]/g,
  // import 'x'
  /(?:^|[\n;])\s*import\s*['"]([^'"\n]+)['"]/g,
  // import('x'), in values and in types
  /\bimport\s*\(\s*['"`]([^'"`\n]+)['"`]/g,
  // require('x'), createRequire(…)('x') and module resolution by name
  /\brequire\s*(?:\.resolve)?\s*\(\s*['"`]([^'"`\n]+)['"`]/g,
]

/** Specifiers of all imports in `code`, which has no comments; in no order. */
export function importsIn(code: string): string[] {
  return IMPORTS.flatMap(pattern => [...code.matchAll(pattern)].map(match => match[1] ?? ''))
}

/**
 * Takes comments out of TypeScript text; strings, templates and regular expressions stay whole. Good enough for
 * well-formed code: a regular expression is known by what stands before its slash.
 */
export function withoutComments(text: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\//g
  return text.replace(token, found => (found.startsWith('//') || found.startsWith('/*') ? ' ' : found))
}

/** Reads one source. */
export function sourceOf(path: string, text: string): Source {
  const code = withoutComments(text)
  const lines = text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
  return { room: path.split('/')[0] ?? '', path, lines, imports: importsIn(code), code }
}

/** All sources of a room, but for packages, and for what is generated or compiled by another compiler. */
export function sourcesOf(root: string, room: string): Source[] {
  return readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .map(entry => `${room}/${entry.replaceAll('\\', '/')}`)
    .filter(path => /\.(?:ts|mts|mjs)$/.test(path) && !path.startsWith('processes/standard/assembly/'))
    .filter(path => !path.startsWith('processes/standard/build/') && !path.includes('/node_modules/'))
    .map(path => sourceOf(path, readFileSync(join(root, path), 'utf8')))
}
