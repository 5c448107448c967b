import { Failure } from '../protocol/index.ts'

/** The path and query of a request, decoded once; nothing of it is ever a path on a disk. */
export interface Target {
  /** Decoded segments of the path; `/` has none. */
  readonly segments: readonly string[]
  readonly query: Readonly<Record<string, string>>
}

/** Longer targets than this name nothing here. */
const TARGET_MAX_LENGTH = 8192

/**
 * Takes the target of a request apart.
 * @throws {Failure} `malformed-request` on a target that is no path, on wrong percent-encoding, on text that is not
 * UTF-8, and on a query parameter given twice.
 */
export function parseTarget(target: string): Target {
  if (!target.startsWith('/') || target.length > TARGET_MAX_LENGTH) throw malformed('expected a path')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  return {
    segments: path === '/' ? [] : path.slice(1).split('/').map(decode),
    query: mark < 0 ? NO_QUERY : parseQuery(target.slice(mark + 1)),
  }
}

const NO_QUERY: Readonly<Record<string, string>> = {}

function parseQuery(text: string): Record<string, string> {
  const query: Record<string, string> = Object.create(null)
  for (const part of text.split('&')) {
    if (part === '') continue
    const mark = part.indexOf('=')
    const name = decode(mark < 0 ? part : part.slice(0, mark))
    if (name in query) throw malformed('a query parameter is given twice')
    query[name] = mark < 0 ? '' : decode(part.slice(mark + 1).replaceAll('+', ' '))
  }
  return query
}

function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'wrong percent-encoding' })
  }
}

function malformed(note: string): Failure {
  return new Failure('malformed-request', {}, { note })
}
