/** What an HTTP call gave. */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
  /** The body as JSON; undefined if it is none. */
  readonly json: unknown
  /** What stands at a path of the JSON. */
  at(...path: readonly (string | number)[]): unknown
}

export async function call(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, init)
  const text = await response.text()
  const json = parsed(text)
  return {
    status: response.status,
    text,
    headers: response.headers,
    json,
    at: (...path) => pick(json, path),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What stands at a path of JSON; undefined where it ends early. Negative numbers count from the end. */
export function pick(json: unknown, path: readonly (string | number)[]): unknown {
  let value = json
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    if (Array.isArray(value) && typeof step === 'number') value = value.at(step)
    else value = Object.entries(value).find(([name]) => name === String(step))?.[1]
  }
  return value
}

export function post(url: string, body: Uint8Array | string | object, method = 'POST'): Promise<Answer> {
  const bytes =
    body instanceof Uint8Array ? new Uint8Array(body) : typeof body === 'string' ? body : JSON.stringify(body)
  return call(url, { method, body: bytes, headers: { 'content-type': 'application/octet-stream' } })
}
