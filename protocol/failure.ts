// biome-ignore-all format: a table reads by its rows
/**
 * One class, every code, who is to blame. `blame` decides retry, HTTP status and exit code;
 * nobody matches on messages. To add a failure, add a row.
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
  /** What to do next, one sentence. */
  readonly next: string
}

const row = (number: number, blame: Blame, status: number, title: string, next: string): FailureRow => ({
  number,
  blame,
  status,
  title,
  next,
})

export const FAILURES = {
  // 1xxx: what was sent
  'malformed-item': row(1001, 'input', 400, 'The bytes are not a well-formed signed item', 'Build the item with a client library and send its bytes unchanged.'),
  'malformed-request': row(1002, 'input', 400, 'The request does not have the expected shape', 'Compare the request with /openapi.json.'),
  'too-large': row(1003, 'input', 413, 'What was sent is larger than allowed', 'Split it, or put the payload in a module; docs/PROTOCOL.md lists the limits.'),
  'wrong-type': row(1004, 'input', 400, 'A tag of the item is missing, or has a value it cannot have', 'Correct the tag that is named; every item has Data-Protocol=ao and Type (Message, Process or Module), once each.'),
  'wrong-target': row(1005, 'input', 400, 'The item is addressed to another process', 'Send it to the process it was signed for.'),
  'unknown-process': row(1006, 'input', 404, 'No such process is known here', 'Check the id; a process spawned elsewhere must be followed first.'),
  'unknown-message': row(1007, 'input', 404, 'No such message stands in that feed', 'Check the id, or wait for its receipt.'),
  'unknown-module': row(1008, 'input', 404, 'No such module is known here', 'Add it: atoll module add <file.wasm>.'),
  'unknown-slot': row(1009, 'input', 404, 'The feed has not reached that slot', 'Ask for a smaller slot, or wait for it.'),
  'not-found': row(1010, 'input', 404, 'There is nothing at that path', 'See /openapi.json for what there is.'),
  'method-not-allowed': row(1011, 'input', 405, 'The path does not take that method', 'See /openapi.json for what it takes.'),
  'unsupported-media': row(1012, 'input', 415, 'The body has an encoding or type that is not taken', 'Send items as application/octet-stream and the rest as application/json, without content-encoding.'),
  'module-refused': row(1013, 'input', 422, 'The module breaks a rule and cannot run', 'The details name the rule; docs/PROTOCOL.md explains each.'),
  'unsupported-format': row(1014, 'input', 422, 'The Module-Format is not one this node runs', 'The details list the formats this node runs.'),
  'unsupported-key': row(1015, 'input', 400, 'That kind of key cannot sign here', 'Use an Ed25519, RSA (2048 bits or more) or secp256k1 key.'),
  'not-assignable': row(1016, 'input', 400, 'That process takes no assigned messages', 'Send it a message of its own.'),
  'bad-config': row(1017, 'input', 400, 'A setting has a value it cannot have', 'atoll doctor shows each setting and where it came from.'),
  'bad-program': row(1021, 'input', 422, 'The program cannot be built', 'Correct the place that the details name, and build again.'),
  'usage': row(1018, 'input', 400, 'The command was not understood', 'atoll --help shows the commands.'),
  'bad-input': row(1030, 'input', 400, 'The input does not fit the contract', 'Nothing was sent; correct what is named and call again.'),
  'bad-reply': row(1031, 'input', 502, 'The answer does not fit the contract', 'Compare versions: the process may keep another contract than this one.'),
  'process-error': row(1032, 'input', 422, 'The process answered with an error', 'Its own code is in the details; atoll trace <message> shows where it came from.'),
  'ambiguous-name': row(1033, 'input', 409, 'Several things have that name', 'Use one of the ids that the details list.'),
  'no-processes': row(1040, 'input', 404, 'There is no process in that folder', 'Begin from a template (atoll new), name a file *.process.ts, or list processes below "atoll" in package.json.'),
  'no-contract': row(1034, 'input', 404, 'The process is not known to keep a contract', 'Only modules of format agent carry one; atoll module show <module> tells the format.'),

  'bad-control': row(1051, 'input', 400, 'The control message does not say what to do', 'docs/PROTOCOL.md lists the actions of control messages and their tags.'),
  'no-document': row(1052, 'input', 422, 'That process cannot tell its state as a document', 'The details say why; ask it by a query instead.'),

  'unit-not-run': row(1061, 'input', 409, 'This node does not run that unit', 'Name or ask another node, or start this one with --units; GET /v1/node tells what it runs.'),
  'no-peers': row(1060, 'input', 409, 'This node knows no peers', 'Start it with --listen or --peer.'),

  // 2xxx: trust
  'bad-signature': row(2001, 'trust', 400, 'The signature does not hold', 'Sign the item again; nothing may change after signing.'),
  'id-reused': row(2002, 'trust', 409, 'The same id was seen with other bytes', 'Discard the item: its key can sign two contents with one signature.'),
  'not-scheduler': row(2003, 'trust', 403, 'This node does not schedule that process', 'Send it to the scheduler named in the process, or spawn with this node as Scheduler.'),
  'bad-certificate': row(2004, 'trust', 400, 'The push carries no valid certificate of its sender', 'Push again from the results of a compute unit that the sending process names.'),
  'not-permitted': row(2005, 'trust', 403, 'That needs the admin token of this node', 'Send Authorization: Bearer with the token in <data>/keys/admin-token.'),
  'host-refused': row(2006, 'trust', 403, 'The Host or Origin of the request is not allowed', 'Use the address the node printed, or add the host to its configuration.'),
  'verification-failed': row(2007, 'trust', 409, 'A certified result does not follow from the feed', 'Keep both: together they prove the fault of the unit that signed it.'),
  'equivocated': row(2013, 'trust', 409, 'The schedulers of that process signed two feeds', 'Nothing after the blocks that both have in common is final; its owner moves it to other schedulers: atoll process handover.'),
  'bad-evidence': row(2014, 'trust', 400, 'What was handed in shows no fault', 'Compare it with docs/protocol/proofs.md; nothing was kept.'),
  'unknown-identity': row(2008, 'trust', 403, 'There is no identity of that name', 'atoll identity list shows those there are; atoll identity new makes one.'),
  'bad-proposal': row(2031, 'trust', 409, 'What the leading scheduler proposed breaks a rule', 'It is not signed; another scheduler of the process takes over.'),

  'bad-epoch': row(2041, 'trust', 409, 'The epoch record does not hold', 'Only the owner of the process hands it over, from the epoch it is in; atoll process show <id> tells both.'),
  'owner-equivocated': row(2042, 'trust', 409, 'The owner of that process signed two records for one epoch', 'The process stands still for good: nobody can tell which of them is meant. Spawn it anew.'),

  'peer-offence': row(2020, 'trust', 403, 'A peer did what no honest one does', 'atoll peer list shows its offences; at 100 it is cut for ten minutes, atoll peer block cuts it for good.'),

  // 3xxx: transient
  'busy': row(3001, 'transient', 429, 'Too much is waiting already', 'Send again after a pause; nothing was kept.'),
  'timeout': row(3002, 'transient', 504, 'The wait ended before the answer came', 'Ask again; what was accepted goes on.'),
  'unreachable': row(3003, 'transient', 503, 'The node cannot be reached', 'Start it with atoll up, or check the URL.'),
  'shutting-down': row(3004, 'transient', 503, 'The node is shutting down', 'Send again when it is back; nothing was kept.'),
  'no-quorum': row(3031, 'transient', 503, 'Too few schedulers of that process answer', 'Send again: it is scheduled once, as soon as enough of them can be reached.'),
  'moved': row(3041, 'transient', 503, 'That process is being handed over, or was', 'Send again: the nodes of its new epoch take it.'),
  'aborted': row(3005, 'transient', 499, 'The caller ended the wait', 'Ask again when you are ready.'),
  'no-agreement': row(3061, 'transient', 503, 'Too few compute units of the process agree, or can be reached', 'Ask again when they are up; atoll process show <id> names them and how many must agree.'),

  // 4xxx: this machine
  'disk-full': row(4001, 'host', 507, 'The disk is full', 'Free space; the node goes on by itself.'),
  'feed-frozen': row(4002, 'host', 503, 'The feed contradicts the journal or its own past', 'Restore the data folder whole, or repair it from a peer; nothing is written until then.'),
  'data-folder-moved': row(4003, 'host', 503, 'The data folder is a copy or was restored', 'Start from the original folder: a copy could give two messages one slot. If no other copy was written to since, atoll up --accept-restored.'),
  'data-folder-locked': row(4004, 'host', 503, 'Another node uses that data folder', 'Stop it, or use another folder with --data.'),
  'data-folder-damaged': row(4005, 'host', 503, 'The data folder is damaged beyond its journal', 'Restore it whole from the original disk, or repair it from a peer.'),
  'feed-behind': row(4031, 'host', 503, 'The data folder was restored, and the feed may be longer elsewhere', 'Connect the nodes that the details name, or all that follow it (atoll peer add); if nothing was written since the backup, atoll up --accept-restored.'),
  'open-keys': row(4006, 'host', 503, 'A key file can be read by others', 'chmod 600 the file and chmod 700 its folder, then start again.'),
  'host-fault': row(4007, 'host', 503, 'The evaluation host failed; no result was made', 'It is repeated by itself; see the logs if it goes on.'),
  'disk-fault': row(4010, 'host', 503, 'The disk failed', 'The node tries again by itself; if it goes on, see the cause in the logs, and replace the disk.'),
  'stands-still': row(4041, 'host', 503, 'The process stands still: evaluating it has failed again and again', 'Other processes go on. It is tried again from time to time, and after an update of this software; report the cause if it is no lack of memory.'),
  'port-in-use': row(4008, 'host', 503, 'The port is taken', 'Stop the other program, or use --port 0.'),
  'internal': row(4009, 'host', 500, 'A bug', 'Report it with the id of the request.'),
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

/** An RFC 9457 problem document. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: FailureCode
  readonly number: string
  readonly next: string
  readonly details: FailureDetails
  readonly causes: readonly string[]
}

/** The problem document of a failure; a bug shows nothing of its inside. */
export function problemOf(error: unknown): Problem {
  const failure = Failure.from(error)
  const { title, status, next } = FAILURES[failure.code]
  const causes: string[] = []
  for (let cause = failure.cause; cause instanceof Error && causes.length < 8; cause = cause.cause) {
    if (failure.code !== 'internal') causes.push(cause.message)
  }
  const type = `urn:atoll:failure:${failure.code}`
  const number = failureNumber(failure.code)
  return { type, title, status, detail: failure.message, code: failure.code, number, next, details: failure.details, causes }
}
