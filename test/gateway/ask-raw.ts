import { expect } from 'vitest'
import { ProblemView } from '../../protocol/index.ts'
import { type RawAnswer, rawRequest } from './raw-http.ts'

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
  /** Closes our side after the last byte. */
  readonly end?: boolean
}

/** Writes one request by hand, byte for byte; the Host header is the right one unless it is given. */
export function askRaw(
  port: number,
  { method = 'GET', path, headers = [], body, end = false }: Ask,
): Promise<RawAnswer> {
  const hasHost = headers.some(header => header.toLowerCase().startsWith('host:'))
  const lines = [`${method} ${path} HTTP/1.1`, ...(hasHost ? [] : [`Host: 127.0.0.1:${port}`]), ...headers]
  return rawRequest(port, [`${lines.join('\r\n')}\r\n\r\n`, ...(body === undefined ? [] : [body])], { end })
}

/** A clear refusal: a 4xx problem document that says what to do, and shows nothing of the inside. */
export function expectProblem(answer: RawAnswer, code?: string): void {
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  const problem = ProblemView.parse(JSON.parse(answer.body))
  expect(problem.status).toBe(answer.status)
  expect(problem.request).toBeTruthy()
  expect(answer.body).not.toMatch(/\.ts:\d|node_modules|\\n\s+at /)
  expect(answer.body).not.toContain(import.meta.dirname)
  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  if (code !== undefined) expect(problem.code).toBe(code)
}
