import { relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodedMappings, encodedMap, TraceMap } from '@jridgewell/trace-mapping'

/** A source map without the sources themselves. */
export interface SourceMap {
  readonly version: 3
  readonly sources: readonly string[]
  readonly names: readonly string[]
  readonly mappings: string
}

/** Where this package lies: what programs import of it is no file of theirs. */
const OWN_FOLDER = fileURLToPath(new URL('../contract/', import.meta.url))

/**
 * The map of a bundle, of the author's own files only: frames in packages are nobody's to correct, and their places are
 * most of a map. Sources have the shortest name that tells them, never a place on this machine.
 */
export function ownMap(text: string, folder: string): SourceMap {
  const map = new TraceMap(text)
  const names = map.sources.map(source => authorsName(resolve(folder, source ?? ''), folder))
  const kept = names.flatMap((name, index) => (name === undefined ? [] : [index]))
  const places = new Map(kept.map((index, place) => [index, place]))
  const mappings = decodedMappings(map).map(line => onlyOwn(line, places))
  const sources = kept.map(index => names[index] ?? '')
  const own = encodedMap(new TraceMap({ version: 3, sources, names: [], mappings }))
  return { version: 3, sources, names: [], mappings: own.mappings }
}

type Segments = ReturnType<typeof decodedMappings>[number]

/** Segments of a line that lie in kept sources; where others begin, one that lies nowhere. */
function onlyOwn(line: Segments, places: ReadonlyMap<number, number>): Segments[number][] {
  const segments: Segments[number][] = []
  for (const segment of line) {
    const place = segment.length === 1 ? undefined : places.get(segment[1])
    if (place !== undefined && segment.length !== 1) segments.push([segment[0], place, segment[2], segment[3]])
    else if (segments.at(-1)?.length !== 1) segments.push([segment[0]])
  }
  return segments
}

/** What a file is called for its author; nothing if it is not the author's. */
export function authorsName(path: string, folder: string): string | undefined {
  if (path.includes(`${sep}node_modules${sep}`) || path.startsWith(OWN_FOLDER) || path.includes('atoll:'))
    return undefined
  return relative(folder, path)
    .split(sep)
    .join('/')
    .replace(/^(?:\.\.\/)+/, '')
}
