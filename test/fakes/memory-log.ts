// Tests find it beside the other fakes.
export { MemoryLog } from '../../testing/memory/memory-log.ts'
