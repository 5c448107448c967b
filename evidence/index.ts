// What shows that somebody broke the rules: it is checked, kept, handed on, and acted upon.
export { EvidenceBook, type EvidenceBookParts } from './evidence-book.ts'
export type { EvidenceEntry } from './entry.ts'
