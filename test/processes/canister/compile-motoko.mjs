// Compiles the program on stdin to the file named: a compiler of its own for each, since flags stay set in it.
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const [, , kind, path] = process.argv
const compiler = require('motoko')
compiler.loadPackage(require('motoko/packages/latest/core.json'))
compiler.setPublicMetadata(['candid:service', 'candid:args'])
if (kind === 'wasm32') compiler.compiler.gcFlags('classicOP')
compiler.write('program.mo', readFileSync(0, 'utf8'))
writeFileSync(path, compiler.wasm('program.mo', 'ic').wasm)
