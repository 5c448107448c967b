#!/usr/bin/env node
// The `atoll` command. What it does is in commands.ts; this file only ties it to the process it runs in.
import { keepCompiledCode } from './compiled-code.ts'
import { startWithEngine } from './engine.ts'

if (process.argv[2] === 'up') startWithEngine(process.argv)
keepCompiledCode(process.env)
const [{ runCommand }, { processTerminal }] = await Promise.all([
  import('./run-command.ts'),
  import('./terminal.ts'),
])
const terminal = processTerminal()
process.exitCode = await runCommand(process.argv.slice(2), terminal)
