const utf8 = new TextEncoder()

/** A WebAssembly module of these sections. */
export const module = (sections: readonly number[][]): Uint8Array<ArrayBuffer> =>
  Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()])

export const section = (id: number, content: readonly number[]): number[] => [
  id,
  ...unsigned(content.length),
  ...content,
]

export const vector = (items: readonly (readonly number[])[]): number[] => [...unsigned(items.length), ...items.flat()]

export const text = (value: string): number[] => {
  const bytes = utf8.encode(value)
  return [...unsigned(bytes.length), ...bytes]
}

export function unsigned(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  return [...bytes, rest]
}
