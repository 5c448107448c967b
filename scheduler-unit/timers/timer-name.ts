/** The key of a timer as it stands in a tick: one byte for each character. */
export const timerBytes = (key: string): Uint8Array => Uint8Array.from(key, char => char.charCodeAt(0))

export const timerKey = (bytes: Uint8Array): string => Array.from(bytes, byte => String.fromCharCode(byte)).join('')
