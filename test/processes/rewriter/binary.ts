/** Builds modules byte by byte, for those that no assembler would write. */
export const leb = (value: number): number[] =>
  value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...leb(Math.floor(value / 0x80))]

export const vector = (items: readonly (readonly number[])[]): number[] => leb(items.length).concat(items.flat())

export const section = (id: number, content: readonly number[]): number[] => [id].concat(leb(content.length), content)

/** A function body: `[count, type]` groups of locals, then instructions without the last `end`. */
export function body(locals: readonly [number, number][], instructions: readonly number[]): number[] {
  const groups = vector(locals.map(([count, type]) => [...leb(count), type]))
  const content = groups.concat(instructions, 0x0b)
  return leb(content.length).concat(content)
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

export const binary = (...sections: readonly (readonly number[])[]): Uint8Array =>
  Uint8Array.from(HEADER.concat(sections.flat()))
