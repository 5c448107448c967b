import { contract, message } from '../../../../contract/index.ts'
import { z } from 'zod'

const Outside = contract({
  name: 'outside',
  version: '1.0.0',
  state: z.object({}),
  messages: {
    use: message({ input: z.object({ name: z.string() }) }),
    find: message({ input: z.object({ name: z.string() }), reply: z.json() }),
  },
})

/** What has a type only where it is. */
declare const Deno: { readonly env: unknown }

const uses: Readonly<Record<string, () => unknown>> = {
  fetch: () => fetch('http://example.org'),
  XMLHttpRequest: () => new XMLHttpRequest(),
  WebSocket: () => new WebSocket('ws://example.org'),
  EventSource: () => new EventSource('http://example.org'),
  Request: () => new Request('http://example.org'),
  Response: () => new Response('text'),
  Headers: () => new Headers(),
  FormData: () => new FormData(),
  Blob: () => new Blob(['text']),
  File: () => new File(['text'], 'name'),
  process: () => process.env['HOME'],
  Deno: () => Deno.env,
  Buffer: () => Buffer.from('text'),
  __dirname: () => __dirname,
  setImmediate: () => setImmediate(() => undefined),
  localStorage: () => localStorage.getItem('key'),
  sessionStorage: () => sessionStorage.getItem('key'),
  indexedDB: () => indexedDB.open('name'),
  navigator: () => navigator.userAgent,
  location: () => location.href,
  window: () => window.name,
  self: () => self.name,
  global: () => global.performance,
  document: () => document.body,
  Worker: () => new Worker('worker.js'),
  Event: () => new Event('name'),
  EventTarget: () => new EventTarget(),
  CustomEvent: () => new CustomEvent('name'),
  MessageChannel: () => new MessageChannel(),
  BroadcastChannel: () => new BroadcastChannel('name'),
  AbortController: () => new AbortController(),
  AbortSignal: () => AbortSignal.timeout(1),
  ReadableStream: () => new ReadableStream(),
  WritableStream: () => new WritableStream(),
  TransformStream: () => new TransformStream(),
  CompressionStream: () => new CompressionStream('gzip'),
  Intl: () => new Intl.NumberFormat('de'),
  WebAssembly: () => WebAssembly.validate(new Uint8Array(0)),
  Atomics: () => Atomics.load(new Int32Array(1), 0),
  requestAnimationFrame: () => requestAnimationFrame(() => undefined),
  'crypto.subtle.digest': () => crypto.subtle.digest('SHA-256', new Uint8Array(0)),
}

const finds: Readonly<Record<string, () => unknown>> = {
  'performance.now': () => Number.isFinite(performance.now()),
  structuredClone: () => structuredClone({ list: [1, { deep: true }] }),
  TextEncoder: () => [...new TextEncoder().encode('é')],
  TextDecoder: () => new TextDecoder().decode(Uint8Array.of(0xc3, 0xa9)),
  URL: () => new URL('../a?b=1', 'http://example.org/c/d').href,
  URLSearchParams: () => new URLSearchParams('a=1').get('a'),
  atob: () => atob('aGk='),
  btoa: () => btoa('hi'),
  queueMicrotask: () => typeof queueMicrotask,
  'instanceof Blob': () => Object({}) instanceof Blob,
  'typeof fetch': () => typeof fetch,
  'a text of crypto': () => JSON.stringify(crypto),
  'typeof crypto.subtle.digest': () => typeof crypto.subtle.digest,
  'a hash, or what a library does without': () =>
    crypto.subtle.digest('SHA-256', new Uint8Array(0)).catch((error: unknown) => Reflect.get(Object(error), 'code')),
}

export default Outside.implement({
  init: () => ({}),
  on: {
    async use(_, { name }) {
      await uses[name]?.()
    },
    find: (_, { name }) => finds[name]?.() as never,
  },
})
