/** Bounds of handovers: part of the table in limits.ts. */

/** Compute units that an epoch record may name: each node that checks a result may have to look at all of them. */
export const EPOCH_UNITS_MAX = 64
/** The signed item of an epoch record: 96 keys, a signature and a key of RSA. */
export const EPOCH_RECORD_MAX_BYTES = 8 * 1024
/** Handovers of one process: their records are kept, shown and checked together. */
export const EPOCHS_MAX = 256
/** How long a scheduler may be asked to take nothing, while its process is being handed over. */
export const HANDOVER_HOLD_MAX_MS = 60_000
