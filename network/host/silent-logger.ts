import type { ComponentLogger, Logger } from '@libp2p/interface'

const silent: Logger = Object.assign(() => undefined, {
  error: () => undefined,
  trace: () => undefined,
  enabled: false,
  newScope: () => silent,
})

/**
 * For libp2p where nobody listens to what it says: its own makes three objects for each stream and each part of one, and looks
 * each time whether there is a terminal that shows colours.
 */
export const silentLogger: ComponentLogger = { forComponent: () => silent }
