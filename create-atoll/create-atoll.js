#!/usr/bin/env node
// `npm create atoll <template> [folder]` is `atoll new <template> [folder]`.
process.argv.splice(2, 0, 'new')
await import('atoll/command')
