/** @throws {Error} if a letter of a program that takes more than one byte would stay in its code, outside of comments */
export function refuseWideCode(program: string): Promise<void>
