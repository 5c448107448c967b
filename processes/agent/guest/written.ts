/** Stands for a reply that the host wrote itself (`values/plain-json.ts`). In JSON it stands nowhere, for it is a control character. */
export const WRITTEN = '\u0001'
