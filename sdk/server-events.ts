/** One server-sent event: its kind (`message` unless named), and its data. */
export interface ServerEvent {
  readonly kind: string
  readonly data: string
}

/** Events longer than this are no events of ours. */
const EVENT_MAX_LENGTH = 64 * 1024 * 1024

/**
 * Reads text/event-stream: lines, fields, blank line; comments are skipped, and so are ids, since a value
 * carries its own cursor. An event that is cut short at the end of the bytes is dropped.
 */
export async function* readServerEvents(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const decoder = new TextDecoder()
  let buffer = ''
  let [kind, data] = ['message', [] as string[]]
  for await (const piece of pieces) {
    buffer += decoder.decode(piece, { stream: true })
    let from = 0
    for (let at = buffer.indexOf('\n'); at >= 0; at = buffer.indexOf('\n', from)) {
      const line = buffer.slice(from, buffer[at - 1] === '\r' ? at - 1 : at)
      from = at + 1
      if (line === '') {
        if (data.length > 0) yield { kind, data: data.join('\n') }
        kind = 'message'
        data = []
      } else if (line.startsWith('event:')) kind = fieldOf(line, 6)
      else if (line.startsWith('data:')) data.push(fieldOf(line, 5))
    }
    buffer = buffer.slice(from)
    if (buffer.length > EVENT_MAX_LENGTH) throw new RangeError('an event is too long')
  }
}

function fieldOf(line: string, from: number): string {
  return line.slice(line[from] === ' ' ? from + 1 : from)
}
