import type { OptionRow } from './command.ts'

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionRow>> = {
  url: { type: 'string', value: 'url', about: 'node to talk to (ATOLL_URL)' },
  output: { type: 'string', short: 'o', value: 'text|json|ndjson', about: 'form of standard output (ATOLL_OUTPUT)' },
  json: { type: 'boolean', about: 'short for --output json' },
  timeout: { type: 'string', value: 'time', about: 'longest wait, such as 30s (ATOLL_TIMEOUT)' },
  identity: { type: 'string', short: 'i', value: 'name', about: 'who signs (ATOLL_IDENTITY)' },
  help: { type: 'boolean', short: 'h', about: 'show this and end' },
}
