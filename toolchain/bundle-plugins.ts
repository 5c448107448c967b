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
