import type { KeyId } from '../../protocol/index.ts'
import type { MovingUnits } from './epoch-effects.ts'
import type { OpenAgreement } from '../opening/open-agreement.ts'
import type { Units } from '../opening/open-units.ts'

/** What the units do when a process is in a new epoch: whatever they hold of it is of the one before. */
export function movingUnits({
  scheduler,
  computer,
  agreement,
  agreed,
  messenger,
  key,
}: Pick<OpenAgreement, 'agreement' | 'agreed'> &
  Pick<Units, 'scheduler' | 'computer' | 'messenger'> & { readonly key: KeyId }): MovingUnits {
  return {
    async hold(process) {
      await scheduler.hold(process, Number.POSITIVE_INFINITY)
    },
    release: process => scheduler.release(process),
    async moved(process) {
      await computer.moved(process)
      await agreement.moved(process)
      agreed.moved(process)
      await scheduler.moved(process.id)
      await messenger.moved(process, key)
    },
  }
}
