import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Loader, Plugin } from 'esbuild'

const LOADERS: Readonly<Record<string, Loader>> = { ts: 'ts', mts: 'ts', tsx: 'tsx', jsx: 'jsx' }

/** `atoll/…` in a program means the package this file belongs to, in a clone as in an installed package. */
export function ownPackage(): Plugin {
  const isSource = import.meta.url.endsWith('.ts')
  const places: Readonly<Record<string, string>> = {
    'atoll/contract': '../contract/index',
  }
  return {
    name: 'atoll',
    setup(within) {
      within.onResolve({ filter: /^atoll\// }, ({ path }) => {
        const place = places[path]
        if (place === undefined)
          return {
            errors: [{ text: `"${path}" does not run inside a process; "atoll/contract" does` }],
          }
        return {
          path: fileURLToPath(new URL(`${place}${isSource ? '.ts' : '.js'}`, import.meta.url)),
        }
      })
      within.onResolve({ filter: /^node:/ }, ({ path }) => ({
        errors: [{ text: `"${path}" is not available in a process: it runs without Node` }],
      }))
    },
  }
}

/** Where a bundle finds what browsers and Node have and the engine has not. */
export const PLATFORM = 'atoll:platform'
/** Classes that libraries name when they are loaded, to tell their instances from other objects: arktype does. */
const CLASSES = ['Blob', 'File', 'FormData', 'Headers', 'Request', 'Response']

/**
 * Gives programs that name such classes ones of which nothing can be made, unless a program brings its own as a global: they are that one then.
 * What is not named is left out.
 */
export function platform(): Plugin {
  const standIn = (name: string): string => `export const ${name} = class ${name} {
    constructor(...given) {
      if (globalThis.${name} === undefined) throw new ReferenceError('${name} is not defined')
      return new globalThis.${name}(...given)
    }
    static [Symbol.hasInstance](one) { return globalThis.${name} !== undefined && one instanceof globalThis.${name} }
  }`
  return {
    name: 'platform',
    setup(within) {
      within.onResolve({ filter: new RegExp(`^${PLATFORM}$`) }, () => ({
        path: PLATFORM,
        namespace: PLATFORM,
        sideEffects: false,
      }))
      within.onLoad({ filter: /.*/, namespace: PLATFORM }, () => ({ contents: CLASSES.map(standIn).join('\n') }))
    },
  }
}

/** Lets what nobody uses of zod be left out. */
export function namespaces(): Plugin {
  return {
    name: 'namespaces',
    setup(within) {
      within.onLoad({ filter: /\.[cm]?tsx?$/ }, async ({ path }) => {
        if (path.includes('node_modules')) return undefined
        const ending = path.slice(path.lastIndexOf('.') + 1)
        return {
          contents: wholeNamespace(await readFile(path, 'utf8')),
          loader: LOADERS[ending] ?? 'ts',
        }
      })
    },
  }
}

/**
 * zod's `z` is all of zod as one object, of which nothing can be left out; as a namespace it is the same, and what is
 * not used goes: a third of the code is left. Places behind it in that line move; nothing fails there.
 */
function wholeNamespace(source: string): string {
  return source.replace(/\bimport (?:\{ z \}|z) from (['"])zod\1/g, 'import * as z from $1zod$1')
}
