// biome-ignore-all format: a table reads by its rows
import type { FailureCode } from './failure.ts'

/** How commands begin in the table below, which is written for no place in particular. */
const COMMAND = /\batoll (?=[a-z<-])/g

/** What to do next after a failure, with commands as they are typed where it is read. */
export function nextStepAfter(code: FailureCode, command: string): string {
  return NEXT_STEPS[code].replaceAll(COMMAND, `${command} `)
}

/** What to do next after each failure, one sentence: for who reads it, so clients in browsers do not carry it. */
export const NEXT_STEPS = {
  // 1xxx: what was sent
  'malformed-item': 'Build the item with a client library and send its bytes unchanged.',
  'malformed-request': 'Compare the request with /openapi.json.',
  'too-large': 'Split it, or put the payload in a module; docs/PROTOCOL.md lists the limits.',
  'wrong-type': 'Correct the tag that is named; every item has Data-Protocol=ao and Type (Message, Process or Module).',
  'wrong-target': 'Send it to the process it was signed for.',
  'unknown-process': 'Check its name or id (atoll process list); one that was spawned elsewhere must be followed first.',
  'unknown-message': 'Check the id, or wait for its receipt.',
  'unknown-module': 'Check its name or id (atoll module list), or add it: atoll module add <file.wasm>.',
  'unknown-slot': 'Ask for a smaller slot, or wait for it.',
  'not-found': 'See /openapi.json for what there is.',
  'method-not-allowed': 'See /openapi.json for what it takes.',
  'unsupported-media': 'Send items as application/octet-stream and the rest as application/json, without content-encoding.',
  'module-refused': 'The details name the rule; docs/PROTOCOL.md explains each.',
  'unsupported-format': 'The details list the formats this node runs.',
  'unsupported-key': 'Sign an ANS-104 item, by an Ed25519, RSA (2048 bits or more) or secp256k1 key.',
  'not-assignable': 'Send it a message of its own.',
  'bad-config': 'Correct what the details name; of settings, atoll doctor shows each and where it came from.',
  'bad-file': 'Check its path, what it holds, and who may read and write there.',
  'already-there': 'Choose another name or place, or move what is there away.',
  'bad-program': 'Correct the place that the details name, and build again.',
  'usage': 'atoll --help shows the commands, atoll <command> --help how one is written.',
  'bad-input': 'Nothing was sent; correct what is named and call again.',
  'bad-reply': 'Compare versions: the process may keep another contract than this one.',
  'process-error': 'Its own code is in the details; atoll trace <message> shows where it came from.',
  'ambiguous-name': 'Use one of the ids that the details list.',
  'no-processes': 'Begin from a template (atoll new), name a file *.process.ts, or list processes below "atoll" in package.json.',
  'no-contract': 'Only modules of format agent carry one; atoll module show <module> tells the format.',
  'bad-control': 'docs/PROTOCOL.md lists the actions of control messages and their tags.',
  'no-document': 'The details say why; ask it by a query instead.',
  'unknown-timer': 'atoll schedule list <process> shows those it holds.',
  'nothing-kept': 'atoll process snapshots <process> lists the states that it keeps.',
  'unit-not-run': 'Name or ask another node, or start this one with --units; GET /v1/node tells what it runs.',
  'no-peers': 'Start it with --listen or --peer.',
  // 2xxx: trust
  'bad-signature': 'Sign the item again; nothing may change after signing.',
  'id-reused': 'Discard the item: its key can sign two contents with one signature.',
  'not-scheduler': 'Send it to the scheduler named in the process, or spawn with this node as Scheduler.',
  'bad-certificate': 'Push again from the results of a compute unit that the sending process names.',
  'not-permitted': 'Show the admin token of that node: --data <folder>, or Authorization: Bearer with <folder>/keys/admin-token. Over MCP: atoll mcp --allow-write for messages, --process for what else may be read.',
  'host-refused': 'Use the address the node printed, or add the host to its configuration.',
  'verification-failed': 'Keep both: together they prove the fault of the unit that signed it.',
  'equivocated': 'Nothing after the blocks that both have in common is final; its owner moves it to other schedulers: atoll process handover.',
  'bad-evidence': 'Compare it with docs/protocol/proofs.md; nothing was kept.',
  'unknown-identity': 'atoll identity list shows those there are; atoll identity new makes one.',
  'bad-proposal': 'It is not signed; another scheduler of the process takes over.',
  'bad-epoch': 'Only the owner of the process hands it over, from the epoch it is in; atoll process show <id> tells both.',
  'owner-equivocated': 'The process stands still for good: nobody can tell which of them is meant. Spawn it anew.',
  'peer-offence': 'atoll peer list shows its offences; at 100 it is cut for ten minutes, atoll peer block cuts it for good.',
  // 3xxx: transient
  'busy': 'Send again after a pause; nothing was kept.',
  'timeout': 'Ask again; what was accepted goes on.',
  'unreachable': 'Start it with atoll up, or check the URL.',
  'shutting-down': 'Send again when it is back; nothing was kept.',
  'no-quorum': 'Send again: it is scheduled once, as soon as enough of them can be reached.',
  'moved': 'Send again: the nodes of its new epoch take it.',
  'aborted': 'Ask again when you are ready.',
  'no-agreement': 'Ask again when they are up; atoll process show <id> names them and how many must agree.',
  // 4xxx: this machine
  'disk-full': 'Free space; the node goes on by itself.',
  'feed-frozen': 'Restore the data folder whole, or repair it from a peer; nothing is written until then.',
  'data-folder-moved': 'Start from the original folder: a copy could give two messages one slot. With --peer it takes back from peers what it misses; if no other copy was written to since, atoll up --accept-restored.',
  'data-folder-locked': 'Stop it, or use another folder with --data.',
  'data-folder-damaged': 'Restore it whole from the original disk, or repair it from a peer.',
  'feed-behind': 'Connect the nodes that the details name, or all that follow it (atoll peer add); if nothing was written since the backup, atoll up --accept-restored.',
  'open-keys': 'chmod 600 the file and chmod 700 its folder, then start again.',
  'host-fault': 'It is repeated by itself; see the logs if it goes on.',
  'disk-fault': 'The node tries again by itself; if it goes on, see the cause in the logs, and replace the disk.',
  'stands-still': 'Other processes go on. It is tried again from time to time, and after an update of this software; report the cause if it is no lack of memory.',
  'port-in-use': 'Stop the other program, or choose another port: --port, or ATOLL_PORT.',
  'internal': 'Report it with the id of the request.',
} as const satisfies Record<FailureCode, string>
