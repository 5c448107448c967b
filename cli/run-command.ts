import { Failure } from '../protocol/index.ts'
import { connect } from '../sdk/index.ts'
import type { CommandContext, Flags } from './command.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { COMMANDS } from './commands.ts'
import { commandHelp, familyHelp, overview, type Sheet } from './showing/help.ts'
import { IdentityStore } from './identity-store.ts'
import { hasNextStep, withNextStep } from './showing/next-step.ts'
import { Output, OUTPUT_FORMATS, type OutputFormat } from './showing/output.ts'
import { showProgress } from './showing/progress.ts'
import { commandFirst, findCommand, readArguments } from './words/read-arguments.ts'
import { type ClientSettings, DEFAULT_IDENTITY, readSettings } from './words/settings.ts'
import { showFailure } from './showing/show-failure.ts'
import type { Terminal } from './terminal.ts'
import { fileFailure } from './words/user-files.ts'
import { VERSION } from './version.ts'

/** Runs what the words of a command line say; gives the exit code. Never rejects. */
export async function runCommand(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const [first] = words
    if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
      const topic = words.slice(1).filter(word => !word.startsWith('-'))
      const sheet = first === undefined ? onStandardError(terminal) : terminal
      const text = `${topic.length > 0 ? helpOn(topic, sheet) : overview(VERSION, sheet)}\n`
      if (first !== undefined) terminal.out(text)
      else terminal.err(text)
      return first === undefined ? EXIT.usage : EXIT.ok
    }
    if (first === '--version' || first === 'version') {
      terminal.out(`${VERSION}\n`)
      return EXIT.ok
    }
    return await runNamed(commandFirst(words), terminal)
  } catch (error) {
    const failure =
      terminal.signal.aborted && isAbort(error) ? new Failure('aborted') : Failure.from(fileFailure(error) ?? error)
    const step = usageStep(failure, words)
    showFailure(step === undefined ? failure : withNextStep(failure, step), terminal, wantedFormat(words, terminal))
    return exitCodeOf(failure)
  }
}

function helpOn(topic: readonly string[], sheet: Sheet): string {
  const [word = ''] = topic
  return (topic.length === 1 ? familyHelp(word, sheet) : undefined) ?? commandHelp(findCommand(topic).command, sheet)
}

const onStandardError = ({ columns, paintErr }: Terminal): Sheet => ({ columns, paint: paintErr })

/** What to do after a command line that was not understood, if it names a command or a family of them, and no command knows better. */
function usageStep(failure: Failure, words: readonly string[]): Parameters<typeof withNextStep>[1] | undefined {
  if (failure.code !== 'usage' || hasNextStep(failure)) return undefined
  const [first = '', second = ''] = commandFirst(words)
  const name = [`${first} ${second}`, first].find(text => COMMANDS.some(command => command.name === text))
  if (name !== undefined) return command => `${command} ${name} --help shows how it is written.`
  return COMMANDS.some(command => command.name.startsWith(`${first} `))
    ? command => `${command} ${first} --help shows its commands.`
    : undefined
}

async function runNamed(words: readonly string[], terminal: Terminal): Promise<number> {
  const [first = '', second] = words
  if (words.length === 1 || second === '--help' || second === '-h') {
    const family = familyHelp(first, second === undefined ? onStandardError(terminal) : terminal)
    if (family !== undefined) {
      if (second === undefined) terminal.err(`${family}\n`)
      else terminal.out(`${family}\n`)
      return second === undefined ? EXIT.usage : EXIT.ok
    }
  }
  const { command, rest } = findCommand(words)
  const { positionals, flags } = readArguments(command, rest)
  if (flags['help'] === true) {
    terminal.out(`${commandHelp(command, terminal)}\n`)
    return EXIT.ok
  }
  const settings = await readSettings({ flags, env: terminal.env, cwd: terminal.cwd })
  const run = await command.load()
  return (await run(contextOf(positionals, flags, settings, terminal))) ?? EXIT.ok
}

function contextOf(
  positionals: readonly string[],
  flags: Flags,
  settings: ClientSettings,
  terminal: Terminal,
): CommandContext {
  return {
    terminal,
    settings,
    positionals,
    flags,
    output: new Output(settings.output, terminal),
    limits: { signal: terminal.signal, timeoutMs: settings.timeoutMs },
    client: () => connect({ url: settings.url }),
    signer: async () => (await identities(settings, terminal)).signer(settings.identity),
    icSigner: async () => (await identities(settings, terminal)).icSigner(settings.identity),
    progress: title => showProgress(title, 'slot', terminal),
  }
}

/** The user's identities; the default one is made when it is first needed, and the user is told. */
async function identities(settings: ClientSettings, terminal: Terminal): Promise<IdentityStore> {
  const store = new IdentityStore(settings.home)
  const { identity } = settings
  if (identity === DEFAULT_IDENTITY && !(await store.has(identity))) {
    const { address } = await store.create(identity)
    terminal.err(`made an identity for you: ${address} (${store.pathOf(identity)})\n`)
  }
  return store
}

/** The format for a failure that came before the settings were read. */
function wantedFormat(words: readonly string[], terminal: Terminal): OutputFormat {
  const known = (text: string | undefined): OutputFormat | undefined => OUTPUT_FORMATS.find(name => name === text)
  if (words.includes('--json')) return 'json'
  for (const [at, word] of words.entries()) {
    const value = word === '-o' || word === '--output' ? words[at + 1] : /^(?:-o|--output=)(.+)$/.exec(word)?.[1]
    const format = known(value)
    if (format !== undefined) return format
  }
  return known(terminal.env['ATOLL_OUTPUT']) ?? 'text'
}

/** What the user's interruption looks like from here, as opposed to a failure that has a name of its own. */
function isAbort(error: unknown): boolean {
  return Failure.is(error, 'aborted') || !Failure.is(error)
}
