import type { VerifyReport } from '../../node/index.ts'
import { counted, toHex } from '../../protocol/index.ts'
import { showDuration } from '../words/duration.ts'
import { safeLine } from './show-bytes.ts'
import type { Terminal } from '../terminal.ts'

/** What came of evaluating a feed again, for people. Where no certificate was to be had, nothing was compared: that is no tick. */
export function showVerification(report: VerifyReport, { paint }: Pick<Terminal, 'paint'>): string {
  const { slots, frames, certified, stateRoot, gas, firstFault, ms } = report
  if (firstFault !== undefined) return `${paint('red', '✖')} slot ${firstFault.slot}: ${safeLine(firstFault.what)}`
  const counts = `${counted(slots, 'slot')} in ${counted(frames, 'frame')}, ${certified.toLocaleString('en')} of them certified`
  const isCompared = certified > 0 || frames === 0
  return [
    `${isCompared ? paint('green', '✔') : paint('yellow', '·')} ${counts}, evaluated again in ${showDuration(ms)}`,
    ...(isCompared ? [] : ['  nothing to compare it with: ask a node that runs a compute unit of the process (--url)']),
    `  state root ${toHex(stateRoot)}`,
    `  gas        ${gas.toLocaleString('en')}`,
  ].join('\n')
}
