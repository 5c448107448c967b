import { connect } from 'node:net'

/** What came back over a bare socket: status (0 if nothing came), headers in lower case, and the body. */
export interface RawAnswer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** Writes `pieces` to a new socket, byte for byte, and reads until the other side closes or `until` says enough. */
export function rawRequest(
  port: number,
  pieces: readonly (string | Uint8Array)[],
  options: { end?: boolean } = {},
): Promise<RawAnswer> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const finish = (): void => {
      socket.destroy()
      resolve(parseAnswer(text))
    }
    socket.setTimeout(30_000, finish)
    socket.on('data', data => {
      text += data.toString('latin1')
      if (isWhole(text)) finish()
    })
    socket.on('error', finish)
    socket.on('close', finish)
    socket.on('connect', () => {
      for (const piece of pieces) socket.write(piece)
      if (options.end === true) socket.end()
    })
  })
}

function isWhole(text: string): boolean {
  const { headers, body, status } = parseAnswer(text)
  const length = headers.get('content-length')
  return status === 204 || (status >= 200 && length !== undefined && body.length >= Number(length))
}

function parseAnswer(text: string): RawAnswer {
  const start = text.startsWith('HTTP/1.1 100') ? text.slice(text.indexOf('\r\n\r\n') + 4) : text
  const split = start.indexOf('\r\n\r\n')
  const [line = '', ...lines] = (split < 0 ? '' : start.slice(0, split)).split('\r\n')
  const headers = new Map(
    lines.map(entry => [entry.slice(0, entry.indexOf(':')).toLowerCase(), entry.slice(entry.indexOf(':') + 1).trim()]),
  )
  return {
    status: Number(line.split(' ')[1] ?? 0),
    headers,
    body: split < 0 ? '' : start.slice(split + 4),
  }
}
