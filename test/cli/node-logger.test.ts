import { describe, expect, test } from 'vitest'
import { nodeLogger } from '../../cli/showing/node-logger.ts'
import { Output } from '../../cli/showing/output.ts'
import type { Terminal } from '../../cli/terminal.ts'

/** A terminal that somebody looks at; what stands on it, with the styles of its parts. */
function liveTerminal(): { terminal: Terminal; shown: () => string } {
  let shown = ''
  const terminal: Terminal = {
    env: {},
    cwd: '/',
    out: () => undefined,
    err: text => {
      shown += text
    },
    columns: 80,
    isLive: true,
    paint: (_, text) => text,
    paintErr: (style, text) => `<${String(style)}>${text}</>`,
    signal: new AbortController().signal,
    readStdin: async () => new Uint8Array(0),
  }
  return { terminal, shown: () => shown }
}

const loggerOf = ({ terminal }: { terminal: Terminal }) =>
  nodeLogger({ terminal, output: new Output('text', terminal) }, 'info')

describe('the log of a node in a terminal', () => {
  test('is a line for each event: when, how grave, what, and what the sentence does not tell', () => {
    const live = liveTerminal()
    const logger = loggerOf(live)
    logger.warn({ what: 'peer', code: 'busy', process: 'abc' }, 'Too much is waiting (process: abc)')
    logger.error({}, 'The disk is full')
    logger.debug({}, 'below the level')
    expect(live.shown().replaceAll(/\d\d:\d\d:\d\d/g, 'T')).toBe(
      '<dim>T</> <yellow>!</> Too much is waiting (process: abc) <dim>· what: peer, code: busy</>\n' +
        '<dim>T</> <red>✖</> The disk is full\n',
    )
  })

  test('is not driven by what a stranger says, and feigns no other line', () => {
    const live = liveTerminal()
    loggerOf(live).warn({ from: 'x\n✔ all is well\u001b[2J' }, 'no\nyes\u001b[31m')
    expect(live.shown().split('\n')).toHaveLength(2)
    expect(live.shown()).not.toContain('\u001b')
  })

  test('tells no secrets', () => {
    const live = liveTerminal()
    loggerOf(live).warn({ seed: 'S3CRET', keys: { seed: 'S3CRET', adminToken: 'S3CRET' } }, 'keys')
    expect(live.shown()).not.toContain('S3CRET')
  })
})
