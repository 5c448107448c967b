import type { CallOptions, Signer } from '../protocol/index.ts'
import type { Client } from '../sdk/index.ts'
import type { IcSigner } from './ic/ic-signer.ts'
import type { Output } from './showing/output.ts'
import type { Progress } from './showing/progress.ts'
import type { ClientSettings } from './words/settings.ts'
import type { Terminal } from './terminal.ts'

/** One option of a command, as `node:util` reads it. */
export interface OptionRow {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: true
  /** What stands for its value in the help. */
  readonly value?: string
  readonly about: string
}

/** Values of options by name: text, texts if it may repeat, or true. */
export type Flags = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** What a command has to work with. */
export interface CommandContext {
  readonly terminal: Terminal
  readonly output: Output
  readonly settings: ClientSettings
  readonly positionals: readonly string[]
  readonly flags: Flags
  /** Limits of every wait: `--timeout`, and the user's interruption. */
  readonly limits: CallOptions
  /** A client of the node that the settings name. */
  client(): Client
  /** The identity that signs; made on first use. */
  signer(): Promise<Signer>
  /** The same, as it calls canisters. */
  icSigner(): Promise<IcSigner>
  progress(title: string): Progress
}

/** Exit code of a command; undefined is 0. */
export type CommandEnd = number | undefined

export interface Command {
  /** Words that name it, such as `module add`. */
  readonly name: string
  /** Its positionals, such as `<file>`; those in brackets may be left out. */
  readonly usage: string
  readonly about: string
  readonly options: Readonly<Record<string, OptionRow>>
  readonly examples: readonly string[]
  /** Loads its program; a command that is not run costs nothing. */
  readonly load: () => Promise<(context: CommandContext) => Promise<CommandEnd>>
}
