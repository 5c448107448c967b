export * from './candid-decode.ts'
export * from './candid-encode.ts'
export * from './candid-value.ts'
