// Has a project below this repository find `atoll/…` in the sources, as an installed project finds it in the package.
import { registerHooks } from 'node:module'

const ROOT = new URL('../../../', import.meta.url)

registerHooks({
  resolve: (name, context, next) =>
    next(name.startsWith('atoll/') ? new URL(`${name.slice(6)}/index.ts`, ROOT).href : name, context),
})
