import { asProcessId, fromBase64Url, type ProcessId, type Store, toBase64Url, toUtf8 } from '../../protocol/index.ts'

const PREFIX = toUtf8('scheduler/monitored/')
const END = toUtf8('scheduler/monitored0')

/** The processes whose cron timers are given ticks. */
export async function* monitoredProcesses(store: Store): AsyncIterable<ProcessId> {
  for await (const { key } of store.range({ gte: PREFIX, lt: END }))
    yield asProcessId(toBase64Url(key.subarray(PREFIX.length)))
}

/** Keeps across restarts whether a process is among them. */
export function keepMonitored(store: Store, process: ProcessId, on: boolean): void {
  const key = new Uint8Array(PREFIX.length + 32)
  key.set(PREFIX)
  key.set(fromBase64Url(process), PREFIX.length)
  store.write([{ key, value: on ? new Uint8Array([1]) : undefined }])
}
