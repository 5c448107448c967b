/** So many of something, for eyes: `1 slot`, `1,024 slots`, `2 processes`. */
export function counted(count: number, what: string): string {
  if (count === 1) return `1 ${what}`
  return `${count.toLocaleString('en')} ${what}${what.endsWith('s') ? 'es' : 's'}`
}
