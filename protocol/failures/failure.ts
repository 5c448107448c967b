// biome-ignore-all format: a table reads by its rows
/**
 * One class, every code, who is to blame. `blame` decides retry, HTTP status and exit code;
 * nobody matches on messages. To add a failure, add a row here, and one to what to do next (`next-steps.ts`).
 *
 * - input: the caller sent something that cannot work; the same call fails again.
 * - trust: a signature, certificate or permission does not hold.
 * - transient: nothing is wrong with the call; it may be repeated.
 * - host: this machine or this data folder is at fault.
 */
export type Blame = 'input' | 'trust' | 'transient' | 'host'

interface FailureRow {
  readonly number: number
  readonly blame: Blame
  readonly status: number
  readonly title: string
}

const row = (number: number, blame: Blame, status: number, title: string): FailureRow => ({
  number,
  blame,
  status,
  title,
})

export const FAILURES = {
  // 1xxx: what was sent
  'malformed-item': row(1001, 'input', 400, 'The bytes are not a well-formed signed item'),
  'malformed-request': row(1002, 'input', 400, 'The request does not have the expected shape'),
  'too-large': row(1003, 'input', 413, 'What was sent is larger than allowed'),
  'wrong-type': row(1004, 'input', 400, 'A tag of the item is missing, or has a value it cannot have'),
  'wrong-target': row(1005, 'input', 400, 'The item is addressed to another process'),
  'unknown-process': row(1006, 'input', 404, 'No such process is known here'),
  'unknown-message': row(1007, 'input', 404, 'No such message stands in that feed'),
  'unknown-module': row(1008, 'input', 404, 'No such module is known here'),
  'unknown-slot': row(1009, 'input', 404, 'The feed has not reached that slot'),
  'not-found': row(1010, 'input', 404, 'There is nothing at that path'),
  'method-not-allowed': row(1011, 'input', 405, 'The path does not take that method'),
  'unsupported-media': row(1012, 'input', 415, 'The body has an encoding or type that is not taken'),
  'module-refused': row(1013, 'input', 422, 'The module breaks a rule and cannot run'),
  'unsupported-format': row(1014, 'input', 422, 'The Module-Format is not one this node runs'),
  'unsupported-key': row(1015, 'input', 422, 'That kind of key cannot sign here'),
  'not-assignable': row(1016, 'input', 400, 'That process takes no assigned messages'),
  'bad-config': row(1017, 'input', 400, 'A setting has a value it cannot have'),
  'bad-file': row(1019, 'input', 400, 'A file cannot be used'),
  'already-there': row(1020, 'input', 409, 'Something is there already'),
  'bad-program': row(1021, 'input', 422, 'The program cannot be built'),
  'usage': row(1018, 'input', 400, 'The command was not understood'),
  'bad-input': row(1030, 'input', 400, 'The input does not fit the contract'),
  'bad-reply': row(1031, 'input', 502, 'The answer does not fit the contract'),
  'process-error': row(1032, 'input', 422, 'The process answered with an error'),
  'ambiguous-name': row(1033, 'input', 409, 'Several things have that name'),
  'no-processes': row(1040, 'input', 404, 'There is no process in that folder'),
  'no-contract': row(1034, 'input', 404, 'The process is not known to keep a contract'),

  'bad-control': row(1051, 'input', 400, 'The control message does not say what to do'),
  'no-document': row(1052, 'input', 422, 'That process cannot tell its state as a document'),

  'unknown-timer': row(1053, 'input', 404, 'The process holds no such timer'),
  'nothing-kept': row(1054, 'input', 409, 'The process keeps no state to go back to'),

  'unit-not-run': row(1061, 'input', 409, 'This node does not run that unit'),
  'no-peers': row(1060, 'input', 409, 'This node knows no peers'),

  // 2xxx: trust
  'bad-signature': row(2001, 'trust', 400, 'The signature does not hold'),
  'id-reused': row(2002, 'trust', 409, 'The same id was seen with other bytes'),
  'not-scheduler': row(2003, 'trust', 403, 'This node does not schedule that process'),
  'bad-certificate': row(2004, 'trust', 400, 'The push carries no valid certificate of its sender'),
  'not-permitted': row(2005, 'trust', 403, 'Only whoever runs this may allow that'),
  'host-refused': row(2006, 'trust', 403, 'The Host or Origin of the request is not allowed'),
  'verification-failed': row(2007, 'trust', 409, 'A certified result does not follow from the feed'),
  'equivocated': row(2013, 'trust', 409, 'The schedulers of that process signed two feeds'),
  'bad-evidence': row(2014, 'trust', 400, 'What was handed in shows no fault'),
  'unknown-identity': row(2008, 'trust', 403, 'There is no identity of that name'),
  'bad-proposal': row(2031, 'trust', 409, 'What the leading scheduler proposed breaks a rule'),

  'bad-epoch': row(2041, 'trust', 409, 'The epoch record does not hold'),
  'owner-equivocated': row(2042, 'trust', 409, 'The owner of that process signed two records for one epoch'),

  'peer-offence': row(2020, 'trust', 403, 'A peer did what no honest one does'),

  // 3xxx: transient
  'busy': row(3001, 'transient', 429, 'Too much is waiting already'),
  'timeout': row(3002, 'transient', 504, 'The wait ended before the answer came'),
  'unreachable': row(3003, 'transient', 503, 'The node cannot be reached'),
  'shutting-down': row(3004, 'transient', 503, 'The node is shutting down'),
  'no-quorum': row(3031, 'transient', 503, 'Too few schedulers of that process answer'),
  'moved': row(3041, 'transient', 503, 'That process is being handed over, or was'),
  'aborted': row(3005, 'transient', 499, 'The caller ended the wait'),
  'no-agreement': row(3061, 'transient', 503, 'Too few compute units of the process agree, or can be reached'),

  // 4xxx: this machine
  'disk-full': row(4001, 'host', 507, 'The disk is full'),
  'feed-frozen': row(4002, 'host', 503, 'The feed contradicts the journal or its own past'),
  'data-folder-moved': row(4003, 'host', 503, 'The data folder is a copy or was restored'),
  'data-folder-locked': row(4004, 'host', 503, 'Another node uses that data folder'),
  'data-folder-damaged': row(4005, 'host', 503, 'The data folder is damaged beyond its journal'),
  'feed-behind': row(4031, 'host', 503, 'The data folder was restored, and the feed may be longer elsewhere'),
  'open-keys': row(4006, 'host', 503, 'A key file can be read by others'),
  'host-fault': row(4007, 'host', 503, 'The evaluation host failed; no result was made'),
  'disk-fault': row(4010, 'host', 503, 'The disk failed'),
  'stands-still': row(4041, 'host', 503, 'The process stands still: evaluating it has failed again and again'),
  'port-in-use': row(4008, 'host', 503, 'The port is taken'),
  'internal': row(4009, 'host', 500, 'A bug'),
} as const satisfies Record<string, FailureRow>

export type FailureCode = keyof typeof FAILURES

/** Facts about one failure, for machines; plain JSON values. */
export type FailureDetails = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** A failure that can happen, as opposed to a bug: coded, with details, wrapping its cause. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly details: FailureDetails

  constructor(code: FailureCode, details: FailureDetails = {}, options?: { cause?: unknown; note?: string }) {
    super(describe(code, details, options?.note), options?.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = details
  }

  get blame(): Blame {
    return FAILURES[this.code].blame
  }

  /** Tells whether `error` is a failure, of that code if one is given. */
  static is(error: unknown, code?: FailureCode): error is Failure {
    return error instanceof Failure && (code === undefined || error.code === code)
  }

  /** Gives `error` itself if it is a failure, else wraps it as a bug. */
  static from(error: unknown): Failure {
    return error instanceof Failure ? error : new Failure('internal', {}, { cause: error })
  }
}

function describe(code: FailureCode, details: FailureDetails, note: string | undefined): string {
  const facts = Object.entries(details).map(([name, value]) => `${name}: ${String(value)}`)
  const title = FAILURES[code].title
  const extra = [note, facts.length > 0 ? facts.join(', ') : undefined].filter(part => part !== undefined)
  return extra.length > 0 ? `${title} (${extra.join('; ')})` : title
}

/** The printed form of a code: AT and four digits, stable for ever. */
export function failureNumber(code: FailureCode): string {
  return `AT${FAILURES[code].number}`
}
