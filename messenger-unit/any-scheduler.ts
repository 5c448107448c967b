import { Failure, type KeyId, type Peers, type Scheduler } from '../protocol/index.ts'

/** Whichever scheduler of a process, elsewhere, can be reached: the first of them, as a rule. All lead to the one who leads. */
export function anyScheduler(peers: Pick<Peers, 'schedule'>, schedulers: readonly KeyId[]): Pick<Scheduler, 'schedule'> {
  return {
    async schedule(requests) {
      let last: unknown
      for (const key of schedulers) {
        try {
          return await peers.schedule(key, requests)
        } catch (error) {
          if (Failure.from(error).blame !== 'transient') throw error
          last = error
        }
      }
      throw last
    },
  }
}
