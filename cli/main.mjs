#!/usr/bin/env node
// The `atoll` command of a clone: from its bundle, if scripts/programs.mjs made one that is fresh, or from the sources. Plain JavaScript,
// because what strips types takes longer to load than all the rest; and no import, because of `node:fs` as a module more is loaded.
const bundled = new URL('../.cache/programs/main.js', import.meta.url)
await import(process.getBuiltinModule('node:fs').existsSync(bundled) ? bundled.href : './main.ts')
