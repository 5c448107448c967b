const MODULES = 'Use import: the bundler takes in what is imported'

/** What programs elsewhere have and a process has not, with what to use instead. In few texts: each name of a table would be an object of every image. */
const INSTEAD: readonly (readonly [names: string, advice: string])[] = [
  ['fetch XMLHttpRequest WebSocket EventSource Request Response Headers FormData', "Use ctx.effect('http.fetch', …)"],
  ['require module exports __dirname __filename importScripts', MODULES],
  ['process Deno Bun navigator location', 'Give settings as args when it is spawned'],
  [
    'Buffer Blob File FileReader ReadableStream WritableStream TransformStream TextDecoderStream TextEncoderStream CompressionStream DecompressionStream',
    'Use Uint8Array, TextEncoder and TextDecoder',
  ],
  [
    'setImmediate clearImmediate requestAnimationFrame cancelAnimationFrame requestIdleCallback',
    'Use queueMicrotask or ctx.sleep',
  ],
  ['localStorage sessionStorage indexedDB caches', 'Keep it in ctx.state'],
  ['window self global', 'Use globalThis'],
  ['document history alert confirm prompt', 'Put pages in the program that asks'],
  [
    'Event EventTarget CustomEvent MessageChannel MessagePort BroadcastChannel',
    'Call a function, or tell other processes with ctx.emit and ctx.send',
  ],
  ['AbortController AbortSignal', 'Give a call its timeout, or race it with ctx.sleep'],
  ['Worker SharedWorker', 'Use ctx.spawn: another process runs beside this one'],
  ['Atomics', 'Nothing runs beside a message: use what it shares as it is'],
  ['Intl', 'Format texts in the program that shows them; toLocaleString and localeCompare know one language'],
  ['Temporal', 'Use Date and ctx.now'],
  ['WebAssembly', 'Spawn a process of that module with ctx.spawn'],
]

const absence = (what: string, advice: string): string => `${what} not available in a process. ${advice}`

/** What is said of a function of `crypto.subtle`. */
export const absentDigest = (name: string): string =>
  absence(`'crypto.subtle.${name}' is`, 'Use a library in JavaScript, such as @noble/hashes or @noble/curves')

/** That what an error of the engine names is not there, and what to use instead; undefined: it is of another kind. */
export function absentName(error: Error): string | undefined {
  if (/^Dynamic require of |^could not load module/.test(error.message))
    return absence("'require' and 'import()' are", MODULES)
  if (!(error instanceof ReferenceError)) return undefined
  const name = /^'?([\w$]+)'? is not defined$/.exec(error.message)?.[1]
  if (name === undefined) return undefined
  for (const [names, advice] of INSTEAD) if (names.split(' ').includes(name)) return absence(`'${name}' is`, advice)
  return undefined
}
