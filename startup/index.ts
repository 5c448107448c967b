// What a start begins with: how the engine is set, and the programs of a clone as a few files. Knows no other room, so that it is read at once.
export { begin } from './begin.ts'
export { contentOf, fingerprintOf, freshBundle, readBundle } from './bundle.ts'
export { NODE_ENGINE } from './engine.ts'
export { allocateYoung, compileSooner } from './engine-settings.ts'
export { isHeld } from './held-bundle.ts'
export { nativePart } from './native-part.ts'
