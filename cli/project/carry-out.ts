import {
  type CallOptions,
  Failure,
  type PendingRule,
  type ResultView,
  type Signer,
  type UpgradeCheckView,
} from '../../protocol/index.ts'
import type { Client } from '../../sdk/index.ts'
import { withNextStep } from '../showing/next-step.ts'
import { whileWaiting } from '../showing/progress.ts'
import { stepAfterRefusal, stepAfterTry } from '../showing/refused-upgrade.ts'
import type { Terminal } from '../terminal.ts'
import type { Step } from './plan.ts'

/** What became of a step. */
export interface Done {
  readonly name: string
  readonly action: Step['action']
  readonly process: string
  readonly module: string
  readonly slot: number | undefined
  readonly check: UpgradeCheckView | undefined
}

export interface CarryOutOptions {
  readonly signer: Signer
  readonly pending: PendingRule
  readonly limits: CallOptions
  /** Where is told that it takes a while. */
  readonly terminal: Terminal
}

/** Messages that both modules are given before an upgrade, to compare. */
const REPLAY = 20

/**
 * Adds the module, and those that it may spawn, then spawns, upgrades or installs. An upgrade is tried on a copy first: one that would fail changes
 * nothing. @throws {Failure} `module-refused`, `process-error` with what the process, or the try, ended with
 */
export async function carryOut(client: Client, step: Step, options: CarryOutOptions): Promise<Done> {
  return whileWaiting(`bringing ${step.built.name} to the node`, options.terminal, carry(client, step, options))
}

async function carry(client: Client, step: Step, options: CarryOutOptions): Promise<Done> {
  const { built, module, item, children, process, action } = step
  const { signer, limits } = options
  const done = { name: built.name, action, module }
  if (action === 'unchanged' && process !== undefined) return { ...done, process, slot: undefined, check: undefined }
  if (action !== 'install') for (const one of [...children, item]) await client.modules.addItem(one, limits)
  if (process === undefined) {
    const { id, spawned } = await client.spawn({ module, tags: built.spawnTags, data: built.spawnData, signer }, limits)
    if (spawned !== undefined) refuseFailed(await spawned.result(limits), id, built.name)
    return { ...done, process: id, slot: 0, check: undefined }
  }
  if (action === 'install') {
    const sent = await client.send({ process, action: '@install', data: built.app, signer }, limits)
    refuseFailed(await sent.result(limits), process, built.name)
    return { ...done, process, slot: sent.slot, check: undefined }
  }
  const check = await client.processes.checkUpgrade(
    process,
    { module, pending: options.pending, replay: REPLAY },
    limits,
  )
  const isWaiting = check.error?.code === 'pending-calls' && options.pending === 'wait'
  if (!check.ok && !isWaiting)
    throw withNextStep(processError(check.error, process, built.name), stepAfterTry(check.error))
  const { sent, result } = await client.processes.upgrade(process, { module, pending: options.pending, signer }, limits)
  refuseFailed(result, process, built.name)
  return { ...done, process, slot: sent.slot, check }
}

function refuseFailed({ status, error, slot }: ResultView, process: string, name: string): void {
  if (status !== 'ok') throw processError(error ?? { code: status, message: 'it had no effect' }, process, name, slot)
}

function processError(
  error: { readonly code: string; readonly message: string } | undefined,
  process: string,
  name: string,
  slot?: number,
): Failure {
  const { code = 'unknown', message = '' } = error ?? {}
  const failure = new Failure(
    'process-error',
    { code, process, ...(slot === undefined ? {} : { slot }) },
    { note: `${name}: ${message}` },
  )
  const step = stepAfterRefusal(error)
  return step === undefined ? failure : withNextStep(failure, step)
}
