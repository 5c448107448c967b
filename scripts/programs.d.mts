/** @throws {Error} if a letter of a program that takes more than one byte would stay in its code, outside of comments */
export function refuseWideCode(program: string): Promise<void>

/** Clears away what lies in `folder` beside the bundle `key`, but for those that something runs from and the latest of the others. */
export function clearOthers(folder: string, key: string): void
