import type { OptionRow } from '../command.ts'

/** Options that every command takes. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionRow>> = {
  url: { type: 'string', value: 'url', about: 'node to talk to (ATOLL_URL)' },
  output: { type: 'string', short: 'o', value: 'text|json|ndjson', about: 'form of standard output (ATOLL_OUTPUT)' },
  json: { type: 'boolean', about: 'short for --output json' },
  timeout: { type: 'string', value: 'time', about: 'longest wait, such as 30s (ATOLL_TIMEOUT)' },
  identity: { type: 'string', short: 'i', value: 'name', about: 'who signs (ATOLL_IDENTITY)' },
  help: { type: 'boolean', short: 'h', about: 'show this and end' },
}

/** Those of commands for whoever runs the node. */
export const ADMIN_OPTIONS = {
  data: {
    type: 'string',
    short: 'd',
    value: 'folder',
    about: 'data folder of the node, for its admin token (or ATOLL_ADMIN_TOKEN)',
  },
} as const satisfies Record<string, OptionRow>
