// Tests find it beside the other fakes.
export { MemoryStore } from '../../testing/memory/memory-store.ts'
