import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** The world of a command: what it reads, where it writes, and how it is told to end. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  /** Data only. */
  out(text: string): void
  /** Progress, prompts, failures. */
  err(text: string): void
  /** Columns of standard output, if it is a terminal. */
  readonly columns: number | undefined
  /** Whether somebody looks at standard error while it is written. */
  readonly isLive: boolean
  /** Colours for standard output and standard error; none where nobody sees them. */
  paint(style: Style, text: string): string
  paintErr(style: Style, text: string): string
  /** Fires at the first SIGINT or SIGTERM; a second one ends the process at once. */
  readonly signal: AbortSignal
  readStdin(): Promise<Uint8Array>
}

/** npm forwards a signal that the whole group got already: two within this time are one wish. */
const SAME_WISH_MS = 300
const INTERRUPTED = 130

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { env, stdout, stderr } = process
  // A reader that went away (`| head`) ends a command without a word.
  stdout.on('error', error => {
    if ('code' in error && error.code === 'EPIPE') process.exit(0)
    throw error
  })
  const painter = (stream: NodeJS.WriteStream) => (style: Style, text: string) =>
    styleText(style, text, { stream, validateStream: true })
  return {
    env,
    // npm runs scripts in the package's folder; files are named from where the user stands.
    cwd: env['npm_lifecycle_event'] === 'atoll' ? (env['INIT_CWD'] ?? process.cwd()) : process.cwd(),
    out: text => void stdout.write(text),
    err: text => void stderr.write(text),
    columns: stdout.isTTY ? stdout.columns : undefined,
    isLive: stderr.isTTY && (env['CI'] ?? '') === '',
    paint: painter(stdout),
    paintErr: painter(stderr),
    signal: interruptSignal(),
    async readStdin() {
      const pieces: Uint8Array[] = []
      for await (const piece of process.stdin) pieces.push(piece as Uint8Array)
      return new Uint8Array(Buffer.concat(pieces))
    },
  }
}

function interruptSignal(): AbortSignal {
  const aborter = new AbortController()
  let firstMs = 0
  const onSignal = (): void => {
    const now = performance.now()
    if (!aborter.signal.aborted) {
      firstMs = now
      aborter.abort(new Error('interrupted'))
    } else if (now - firstMs > SAME_WISH_MS) {
      process.exit(INTERRUPTED)
    }
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return aborter.signal
}
