import { describeSpawnItem, signDataItemSync } from '../../protocol/index.ts'
import { keyOf } from './certified-pushes.ts'
import { seedOf } from './signed-items.ts'

/** The compute units of that process. */
export const AGREED_UNITS = [1, 2, 3].map(keyOf)

/** A process of which two of three compute units must agree. */
export const agreedProcess = describeSpawnItem(
  signDataItemSync(
    {
      tags: [
        { name: 'Data-Protocol', value: 'ao' },
        { name: 'Type', value: 'Process' },
        { name: 'Module', value: keyOf(4) },
        { name: 'Scheduler', value: keyOf(5) },
        ...AGREED_UNITS.map(value => ({ name: 'Compute-Unit', value })),
        { name: 'Compute-Quorum', value: '2' },
      ],
      data: '',
    },
    seedOf(9),
  ),
)
