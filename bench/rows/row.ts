import type { PeerOptions } from '../peer-child.ts'

/** One line of the table. What is empty does not apply. */
export interface Line {
  readonly what: string
  readonly measured: string
  /** The figure of the other system, or of the yardstick, from the same run. */
  readonly peer?: string
  readonly ratio?: string
  readonly goal?: string
  /** Whether the goal is met; undefined without a goal, or without a peer to compare with. */
  readonly met?: boolean | undefined
}

export interface RowContext extends PeerOptions {
  readonly signal: AbortSignal
  readonly quick: boolean
  /** Whether other systems are measured too. */
  readonly peers: boolean
  /** How long the load of the memory row lasts; 0 leaves it out. */
  readonly soakMinutes: number
  add(line: Line): void
  /** Something odd that was seen on the way; it is printed below the table. */
  note(text: string): void
}

/** Some lines that are measured together. */
export interface Row {
  readonly number: number
  readonly title: string
  /** What is measured and what is not, for who reads the table. */
  readonly covers: string
  run(context: RowContext): Promise<void>
}
