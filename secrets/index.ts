// Files that nobody but their owner may read: made whole and once, refused if others can read them.
export { makeSecret } from './make-secret.ts'
export { refuseOpen } from './refuse-open.ts'
