// What shows that somebody broke the rules: it is checked, kept, handed on, and acted upon.
export { EvidenceBook } from './evidence-book.ts'
export { type EvidencePeers, HeadExchange, type HeadExchangeParts } from './head-exchange.ts'
