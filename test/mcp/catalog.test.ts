import { expect, test } from 'vitest'
import { Catalog } from '../../mcp/catalog.ts'
import type { Client } from '../../sdk/index.ts'

test('many who ask at once have the processes listed once, and one that goes away takes it from nobody', async () => {
  let listings = 0
  const processes = {
    async *list({ signal }: { signal?: AbortSignal }) {
      listings += 1
      await new Promise(resolve => setImmediate(resolve))
      signal?.throwIfAborted()
    },
  }
  const catalog = new Catalog({ processes } as unknown as Client, [])
  const away = new AbortController()
  const all = [catalog.list({ signal: away.signal }), ...Array.from({ length: 20 }, () => catalog.list({}))]
  away.abort()
  expect((await Promise.all(all)).flat()).toEqual([])
  expect(listings).toBe(1)
})
