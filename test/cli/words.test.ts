import { describe, expect, test, vi } from 'vitest'
import { parseDuration, showDuration } from '../../cli/words/duration.ts'
import { EXIT, exitCodeOf } from '../../cli/exit-code.ts'
import { parseTag } from '../../cli/words/message-arguments.ts'
import { showProgress, whileWaiting } from '../../cli/showing/progress.ts'
import { hanging } from '../../cli/showing/hanging.ts'
import { commandHelp, familyHelp, overview, type Sheet } from '../../cli/showing/help.ts'
import { COMMANDS } from '../../cli/commands.ts'
import { editDistance, nearWord } from '../../contract/index.ts'
import { commandFirst, findCommand, readArguments } from '../../cli/words/read-arguments.ts'
import { matchesId, shortId } from '../../cli/showing/short-id.ts'
import { safeBlock, safeLine, safeName, safeText, showBytes } from '../../cli/showing/show-bytes.ts'
import { showOtherwise, showReplayed } from '../../cli/showing/show-replayed.ts'
import { sentLine, showSent } from '../../cli/showing/show-sent.ts'
import { showVerification } from '../../cli/showing/show-verification.ts'
import { cutTo, renderTable } from '../../cli/showing/table.ts'
import type { Terminal } from '../../cli/terminal.ts'
import { run } from './test-terminal.ts'
import { asProcessId, Failure, type FailureCode, FAILURES } from '../../protocol/index.ts'

const ID = 'kx3fQ__bSuokUV5rAUnb6Scl9CmtwS601M4h4WK3q2w'
const usageOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (Failure.is(error, 'usage')) return error.message
    throw error
  }
  return 'no failure'
}

describe('arguments', () => {
  test('are ids too where these begin with a dash', () => {
    const dashed = `-${ID.slice(1)}`
    const { command, rest } = findCommand(['send', dashed, '-a', 'Add', '--scheduler', dashed])
    const spawning = findCommand(['spawn', dashed, '--scheduler', dashed])
    expect(readArguments(command, rest.slice(0, 3))).toMatchObject({
      positionals: [dashed],
      flags: { action: 'Add' },
    })
    const spawned = readArguments(spawning.command, spawning.rest)
    expect(spawned.positionals).toEqual([dashed])
    expect(JSON.stringify(spawned.flags)).toContain(dashed)
    const tracing = findCommand(['trace', `${dashed}/3`])
    expect(readArguments(tracing.command, tracing.rest).positionals).toEqual([`${dashed}/3`])
    expect(usageOf(() => readArguments(command, ['-frobnicate']))).toMatch(/option.*stands behind --/)
    expect(readArguments(command, ['-a', 'Add', '--', '-frobnicate']).positionals).toEqual(['-frobnicate'])
  })

  test('are one command and what it takes', () => {
    const { command, rest } = findCommand([
      'module',
      'add',
      'a.wasm',
      '-f',
      'actor',
      '--tag',
      'A=1',
      '--tag=B=2=3',
      '-o',
      'json',
    ])
    const { positionals, flags } = readArguments(command, rest)
    expect(command.name).toBe('module add')
    expect(positionals).toEqual(['a.wasm'])
    expect(flags).toMatchObject({ format: 'actor', tag: ['A=1', 'B=2=3'], output: 'json' })
  })

  test('that name no command are answered with the nearest one', () => {
    expect(usageOf(() => findCommand(['sedn', 'x']))).toContain('did you mean "send"?')
    expect(usageOf(() => findCommand(['module']))).toContain('module add, module list, module show')
    expect(usageOf(() => findCommand(['frobnicate']))).not.toContain('did you mean')
  })

  test('that are missing, too many or unknown are usage failures with the form of the command', () => {
    const { command } = findCommand(['send'])
    expect(usageOf(() => readArguments(command, []))).toContain(
      '<process> is missing; usage: atoll send <process> [message] [json]',
    )
    expect(usageOf(() => readArguments(command, ['p', 'm', '{}', 'x']))).toContain('"x" is one too many')
    expect(usageOf(() => readArguments(command, ['p', '--nope']))).toContain("unknown option '--nope'")
    expect(usageOf(() => readArguments(command, ['p', '--action']))).toContain('--action')
  })

  test('of every command may stand before the command', () => {
    expect(commandFirst(['--url', 'http://a', '-o', 'json', 'send', 'x', '-a', 'B'])).toEqual([
      'send',
      'x',
      '-a',
      'B',
      '--url',
      'http://a',
      '-o',
      'json',
    ])
    expect(commandFirst(['--url=http://a', '--json', 'doctor'])).toEqual(['doctor', '--url=http://a', '--json'])
    expect(commandFirst(['send', '--url', 'x'])).toEqual(['send', '--url', 'x'])
    expect(usageOf(() => findCommand(commandFirst(['--nope', 'send'])))).toContain('no command comes before --nope')
    expect(usageOf(() => findCommand(commandFirst(['--url', 'send'])))).toContain('no command comes before --url')
  })

  test('that are slips of known words are answered with these', () => {
    expect(nearWord('hitss', ['mine', 'hits'])).toBe('hits')
    expect(nearWord('xy', ['ab', 'room'])).toBeUndefined()
    const { command } = findCommand(['send'])
    expect(usageOf(() => readArguments(command, ['p', '--actoin', 'Add']))).toContain('did you mean "--action"?')
    expect(usageOf(() => findCommand(['process', 'shwo']))).toContain('did you mean "process show"?')
  })

  test('that are wrong are answered with how that command is written', async () => {
    const stepOf = async (...words: string[]) => /next: (.*) \(more/.exec((await run(words)).stderr)?.[1]
    expect(await stepOf('send', 'p', '--nope')).toBe('atoll send --help shows how it is written.')
    expect(await stepOf('state', 'diff')).toBe('atoll state diff --help shows how it is written.')
    expect(await stepOf('state', 'dif', 'x')).toBe('atoll state --help shows its commands.')
    expect(await stepOf('sedn')).toContain('atoll --help shows the commands')
  })

  test('have a distance that counts single changes', () => {
    expect(editDistance('send', 'send')).toBe(0)
    expect(editDistance('sedn', 'send')).toBe(2)
    expect(editDistance('', 'send')).toBe(4)
  })

  test('name tags with the first equal sign', () => {
    expect(parseTag('A=b=c')).toEqual({ name: 'A', value: 'b=c' })
    expect(parseTag('A=')).toEqual({ name: 'A', value: '' })
    expect(usageOf(() => parseTag('=b'))).toContain('name=value')
    expect(usageOf(() => parseTag('A'))).toContain('name=value')
  })
})

describe('the overview', () => {
  const sheetOf = (columns: number | undefined): Sheet => ({ columns, paint: (_, text) => text })

  test('has each command once, but what only shells ask', () => {
    const lines = overview('1.0.0', sheetOf(undefined)).split('\n')
    for (const { name } of COMMANDS) {
      const isForPeople = name !== 'complete'
      expect(lines.filter(line => line.startsWith(`  ${name} `)).length, name).toBe(isForPeople ? 1 : 0)
    }
  })

  test('and all help stay within the columns of a screen, words whole', () => {
    const sheet = sheetOf(80)
    const texts = [
      overview('1.0.0', sheet),
      ...COMMANDS.map(command => `${command.name}\n${commandHelp({ ...command, examples: [] }, sheet)}`),
      ...['process', 'feed', 'ic'].map(word => familyHelp(word, sheet) ?? ''),
    ]
    for (const line of texts.join('\n').split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
    expect(hanging('  up  ', 'Run a node until it is interrupted', 30)).toBe(
      '  up  Run a node until it is\n      interrupted',
    )
    expect(hanging('  up  ', 'Run a node until', 20)).toBe('  up  Run a node until')
  })
})

describe('what came of a message', () => {
  const paintErr = (_: unknown, text: string): string => text

  test('has its id on a line of its own where both do not fit into one', () => {
    const facts = ['slot 1', 'ok', '14,833 gas']
    const short = `✔ slot 1 · ok · 14,833 gas`
    expect(sentLine({ columns: undefined, paintErr }, '✔', facts, ID)).toBe(`${short} · message ${ID}\n`)
    expect(sentLine({ columns: 80, paintErr }, '✔', facts, ID)).toBe(`${short} · message ${ID}\n`)
    expect(sentLine({ columns: 80, paintErr }, '✔', facts, undefined)).toBe(`${short}\n`)
    expect(sentLine({ columns: 79, paintErr }, '✔', facts, ID)).toBe(`${short}\n  message ${ID}\n`)
  })
})

describe('durations', () => {
  test('are read with a unit, or as seconds', () => {
    expect(['500ms', '30s', '2m', '1h', '1.5s', '7'].map(parseDuration)).toEqual([
      500, 30_000, 120_000, 3_600_000, 1500, 7000,
    ])
    for (const wrong of ['', 'x', '5d', '-1s', '1 s'])
      expect(usageOf(() => parseDuration(wrong))).toContain('expected a time')
  })

  test('are shown in the unit that fits', () => {
    expect([7.4, 1400, 180_000, 5_400_000].map(showDuration)).toEqual(['7 ms', '1.4 s', '3 min', '1.5 h'])
  })
})

describe('ids', () => {
  test('have a short form, which finds them again', () => {
    expect(shortId(ID)).toBe('kx3fQ_…q2w')
    expect(shortId('hits')).toBe('hits')
    expect(matchesId(shortId(ID), ID)).toBe(true)
    expect(matchesId('kx3f', ID)).toBe(true)
    expect(matchesId('kx3', ID)).toBe(false)
    expect(matchesId('kx3f…zzz', ID)).toBe(false)
  })
})

describe('what processes wrote', () => {
  test('never drives the terminal', () => {
    const wicked = new TextEncoder().encode('a\u001b[2Jb\u0007')
    expect(showBytes(wicked)).toMatch(/^base64url:/)
    expect(safeText('a\u001b[2Jb\r')).toBe('ab�')
    // Nothing is left that is a sequence again.
    expect(safeText('\u001b\u001b[31m[2Jred\u0007')).toBe('�[2Jred�')
    expect(safeText('a\u202egnp.exe')).toBe('a�gnp.exe')
    expect(safeLine('hits\n✔ verified\u001b[K')).toBe('hits ✔ verified')
    expect(safeBlock('bad\n✔ verified\n')).toBe('bad\n    ✔ verified')
    expect(showBytes(new Uint8Array([0xff]))).toBe('base64url:_w')
    expect(showBytes(new TextEncoder().encode('grün\n→'))).toBe('grün\n→')
  })
})

describe('names', () => {
  test('show what nobody sees, so that none looks like another', () => {
    expect(safeName('hits and more, grün 数 🚀')).toBe('hits and more, grün 数 🚀')
    expect(safeName('hits\u001b[31m')).toBe('hits\\u{1b}[31m')
    expect(safeName('hits\u200b')).toBe('hits\\u{200b}')
    expect(safeName('hits\n')).toBe('hits\\u{a}')
    expect(safeName('hits\u00a0and')).toBe('hits\\u{a0}and')
    expect(safeName(' hits')).toBe('\\u{20}hits')
    expect(safeName('hits\u3164')).toBe('hits\\u{3164}')
    expect(safeName('a\u202egnp.exe')).toBe('a\\u{202e}gnp.exe')
  })
})

describe('tables', () => {
  test('have columns as wide as their widest cell, numbers flush right', () => {
    const text = renderTable(
      [{ title: 'NAME' }, { title: 'SLOTS', right: true }],
      [
        ['hits', '1,024'],
        ['\u001b[32mlong name\u001b[39m', '7'],
      ],
    )
    expect(text.split('\n')).toEqual(['NAME       SLOTS', 'hits       1,024', '\u001b[32mlong name\u001b[39m      7'])
  })

  test('cut what is too long with an ellipsis', () => {
    expect(cutTo('abcdef', 4)).toBe('abc…')
    expect(cutTo('abcd', 4)).toBe('abcd')
  })
})

describe('exit codes', () => {
  test('follow from the failure', () => {
    const codes: readonly (readonly [FailureCode, number])[] = [
      ['usage', 2],
      ['bad-config', 2],
      ['unreachable', 3],
      ['timeout', 4],
      ['not-permitted', 5],
      ['unknown-identity', 5],
      ['open-keys', 5],
      ['verification-failed', 6],
      ['aborted', 130],
      ['unknown-process', 1],
      ['internal', 1],
    ]
    for (const [code, exit] of codes) expect(exitCodeOf(new Failure(code)), code).toBe(exit)
  })

  test('are never 0 for a failure', () => {
    for (const code of Object.keys(FAILURES) as FailureCode[])
      expect(exitCodeOf(new Failure(code)), code).not.toBe(EXIT.ok)
  })
})

describe('progress', () => {
  const watch = (isLive: boolean) => {
    const written: string[] = []
    let nowMs = 0
    const terminal = {
      isLive,
      err: (text: string) => void written.push(text),
    } as unknown as Terminal
    return {
      written,
      progress: showProgress('replaying', 'slot', terminal, () => nowMs),
      pass: (ms: number) => {
        nowMs += ms
      },
    }
  }

  test('is a plain line every few seconds where nobody looks', () => {
    const { written, progress, pass } = watch(false)
    for (let at = 0; at < 100; at++) {
      progress.at(at, 100)
      pass(100)
    }
    progress.end()
    expect(written).toHaveLength(2)
    expect(written.join('')).not.toContain('\u001b')
    expect(written[0]).toMatch(/^replaying {2} 50% {2}50\/100 slots {2}10\/s {2}eta 5.0 s\n$/)
  })

  test('is one line that is written over where somebody looks, and taken away at the end', () => {
    const { written, progress, pass } = watch(true)
    pass(200)
    progress.at(78, 100)
    progress.end()
    progress.end()
    expect(written).toHaveLength(2)
    expect(written[0]).toContain('━')
    expect(written[1]).toBe('\r\u001b[2K')
  })

  test('foretells an end by what was done since it began to count, once that took a while', () => {
    const { written, progress, pass } = watch(true)
    pass(900)
    progress.at(50_000, 51_000)
    pass(100)
    progress.at(50_010, 51_000)
    pass(900)
    progress.at(50_100, 51_000)
    expect(written[0]).toMatch(/50,000\/51,000 slots$/)
    expect(written[1]).toMatch(/50,010\/51,000 slots$/)
    expect(written[2]).toMatch(/ {2}100\/s {2}eta 9.0 s$/)
  })

  test('of a wait is told every second where somebody looks, and taken away at the end', async () => {
    vi.useFakeTimers()
    try {
      const written: string[] = []
      const look = (isLive: boolean) => ({ isLive, err: (text: string) => void written.push(text) }) as Terminal
      const wait = (isLive: boolean) => whileWaiting('building', look(isLive), new Promise(r => setTimeout(r, 2500, 7)))
      const both = [wait(false), wait(true)]
      await vi.advanceTimersByTimeAsync(3000)
      expect(await Promise.all(both)).toEqual([7, 7])
      expect(written.map(text => text.replace('\r\u001b[2K', ''))).toEqual(['building … 1 s', 'building … 2 s', ''])
    } finally {
      vi.useRealTimers()
    }
  })

  test('leaves no trace of work that was quickly done', () => {
    const { written, progress } = watch(false)
    progress.at(1, 2)
    progress.at(2, 2)
    progress.end()
    expect(written).toEqual([])
  })
})

test('a feed that was evaluated again and compared with nothing gets no tick', () => {
  const report = {
    slots: 9,
    frames: 9,
    steps: [],
    ok: true,
    stateRoot: new Uint8Array(32),
    gas: 7n,

    ms: 5,
  }
  const shown = (certified: number): string =>
    showVerification({ ...report, process: asProcessId('A'.repeat(43)), certified }, { paint: (_, text) => text })
  expect(shown(9)).toMatch(/^✔ 9 slots/)
  expect(shown(0)).toMatch(/^· 9 slots.*\n {2}nothing to compare it with/)
})

test('a wait that ends says that the message has its slot: who sends it again sends it twice', async () => {
  const sent = { id: ID, process: ID, slot: 4, timestampMs: 1, result: () => Promise.reject(new Failure('timeout')) }
  const shown = showSent({ limits: {}, terminal: { isLive: false } } as never, sent as never, {
    wait: 'evaluated',
    type: 'sent',
    showsOutput: true,
  })
  await expect(shown).rejects.toMatchObject({ code: 'timeout', details: { slot: 4, message: ID } })
})

test('of an upgrade messages are counted that are answered otherwise, not in how many ways they are', () => {
  const differs = (slot: number, what: 'status' | 'error' | 'output') => ({ slot, what, before: 'a', after: 'b' })
  expect(showReplayed({ replayed: 0, differences: [] })).toBeUndefined()
  const differences = [differs(3, 'status'), differs(3, 'error'), differs(3, 'output')]
  expect(showReplayed({ replayed: 1, differences })).toBe('1 message given to both modules, 1 answered otherwise')
  const many = Array.from({ length: 12 }, (_, slot) => differs(slot, 'output'))
  expect(showOtherwise({ differences: many })).toHaveLength(11)
  expect(showOtherwise({ differences: many }).at(-1)).toBe('… 2 more')
})
