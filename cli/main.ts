#!/usr/bin/env node
// The `atoll` command. What it does is in commands.ts; this file only ties it to the process it runs in.
import { begin } from '../startup/index.ts'

begin()
const [{ runCommand }, { processTerminal }] = await Promise.all([import('./run-command.ts'), import('./terminal.ts')])
const terminal = processTerminal()
process.exitCode = await runCommand(process.argv.slice(2), terminal)
