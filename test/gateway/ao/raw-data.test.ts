import { describe, expect, test } from 'vitest'
import { nodeWithProcess } from './ask-graphql.ts'
import { call } from './http-call.ts'

describe('data of items', () => {
  test('is served raw and with tags as headers', async () => {
    const { node, sender, module, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(
      process,
      '<b>hi</b>',
      'Content-Type',
      'text/html',
      'Set-Cookie',
      'a=b',
      'Action',
      'Greet',
    )
    const raw = await call(`${node.url}/raw/${id}`)
    expect([raw.text, raw.headers.get('content-type')]).toEqual(['<b>hi</b>', 'text/html'])
    expect(raw.headers.get('action')).toBeNull()
    const tagged = await call(`${node.url}/${id}`)
    expect(tagged.headers.get('action')).toBe('Greet')
    expect(tagged.headers.get('type')).toBe('Message')
    expect(tagged.headers.get('set-cookie')).toBeNull()
    const head = await call(`${node.url}/${module}`, { method: 'HEAD' })
    expect([head.status, head.text, head.headers.get('type')]).toEqual([200, '', 'Module'])
  })

  test('gets neither scripts nor this origin in a browser', async () => {
    const { node, sender, process } = await nodeWithProcess()
    await using _ = node
    const id = await sender.message(process, '<script>1</script>', 'Content-Type', 'text/html\r\nx: y')
    const { headers } = await call(`${node.url}/${id}`)
    expect(headers.get('content-security-policy')).toContain('sandbox')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('x')).toBeNull()
  })
})
