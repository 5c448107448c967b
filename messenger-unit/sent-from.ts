import type { Computer, ProcessId, Push, Slot } from '../protocol/index.ts'

/**
 * What a process sent to another from seq `seq` on, up to `before`, in order. Most of that was sent in slot `lowest` or later, below
 * which all was delivered; only what was let go is older, and not looked for unless something is missing without it.
 */
export async function sentFrom(
  computer: Pick<Computer, 'results' | 'evaluated'>,
  { from, lowest = 0 }: { readonly from: ProcessId; readonly lowest: Slot | undefined },
  to: ProcessId,
  seq: number,
  before: number,
): Promise<readonly Push[]> {
  const sentSince = async (start: Slot): Promise<readonly Push[]> => {
    const sent: Push[] = []
    for await (const { outbox } of computer.results(from, start, await computer.evaluated(from))) {
      const pushes = outbox.filter(({ core }) => core.to === to)
      sent.push(...pushes.filter(({ core }) => core.seq >= seq && core.seq < before))
      if (pushes.some(({ core }) => core.seq >= before - 1)) break
    }
    return sent
  }
  const late = await sentSince(lowest)
  return lowest === 0 || late[0]?.core.seq === seq ? late : sentSince(0)
}
