/** Bounds of handovers: part of the table in limits.ts. */

/** Compute units that an epoch record may name: each node that checks a result may have to look at all of them. */
export const EPOCH_UNITS_MAX = 64
/** The signed item of an epoch record: 96 keys, a signature and a key of RSA. */
export const EPOCH_RECORD_MAX_BYTES = 8 * 1024
/** Handovers of one process: their records are kept, shown and checked together. */
export const EPOCHS_MAX = 256
/** How long a scheduler may be asked to take nothing, while its process is being handed over. */
export const HANDOVER_HOLD_MAX_MS = 60_000
/** Processes that nobody knew here and that peers say were handed to this node, of which the spawn messages are asked for at once. */
export const EPOCHS_LEARNED_AT_ONCE_MAX = 8
/** Peers and processes about whose epochs they are being told, or asked, at once. */
export const EPOCH_NEWS_AT_ONCE_MAX = 1024
/** Prologues that are taken over at once. */
export const PROLOGUES_AT_ONCE_MAX = 8
/** Connected nodes that are asked for one prologue before there is a pause. */
export const PROLOGUE_SOURCES_MAX = 16
/** Others that are dialled for it before there is a pause. */
export const PROLOGUE_DIALS_MAX = 4
