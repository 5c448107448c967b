import { beforeEach, expect, it } from 'vitest'
import { StandardDriver, sentTag } from './standard-driver.ts'

let registry: StandardDriver
beforeEach(async () => {
  registry = await StandardDriver.spawn('registry', 'ann')
})

it('gives a free name to whoever registers it', () => {
  expect(registry.send('bob', 'Register', 'Name', 'shop', 'Process', 'P1').output).toBe('P1')
  const { output, sent } = registry.send('cy', 'Lookup', 'Name', 'shop')
  expect(output).toBe('P1')
  expect([sentTag(sent[0], 'Process'), sentTag(sent[0], 'Owner')]).toEqual(['P1', 'bob'])
})

it('lets only the owner point a name elsewhere, give it away or free it', () => {
  registry.send('bob', 'Register', 'Name', 'shop', 'Process', 'P1')
  expect(registry.send('cy', 'Register', 'Name', 'shop', 'Process', 'P2').error).toBe('abort: Name is taken')
  expect(registry.send('cy', 'Transfer', 'Name', 'shop', 'Recipient', 'cy').error).toContain('Only the owner')
  expect(registry.send('cy', 'Release', 'Name', 'shop').error).toContain('Only the owner')
  expect(registry.send('bob', 'Register', 'Name', 'shop', 'Process', 'P3').output).toBe('P3')
  expect(registry.send('bob', 'Transfer', 'Name', 'shop', 'Recipient', 'cy').ending.status).toBe('ok')
  expect(registry.send('bob', 'Release', 'Name', 'shop').error).toContain('Only the owner')
  expect(registry.send('cy', 'Lookup', 'Name', 'shop').output).toBe('P3')
  expect(registry.send('cy', 'Release', 'Name', 'shop').ending.status).toBe('ok')
  expect(registry.send('cy', 'Lookup', 'Name', 'shop').error).toBe('abort: Name is not registered')
  expect(registry.send('dan', 'Register', 'Name', 'shop', 'Process', 'P4').output).toBe('P4')
})

it('lists names in order, by prefix and page by page', () => {
  for (const name of ['app-b', 'zoo', 'app-a', 'app-c', 'apq']) {
    registry.send('bob', 'Register', 'Name', name, 'Process', `of-${name.replaceAll('.', '')}`)
  }
  expect(registry.send('x', 'List').output.split('\n')).toHaveLength(6)
  const first = registry.send('x', 'List', 'Prefix', 'app-', 'Limit', '2')
  expect(first.output).toBe('app-a of-app-a\napp-b of-app-b\n')
  const cursor = sentTag(first.sent[0], 'Cursor') ?? ''
  const second = registry.send('x', 'List', 'Prefix', 'app-', 'Limit', '2', 'Cursor', cursor)
  expect(second.output).toBe('app-c of-app-c\n')
  expect(sentTag(second.sent[0], 'Cursor')).toBeUndefined()
  expect(registry.send('x', 'List', 'Prefix', 'none').output).toBe('')
})

it.each([
  [['Process', 'P1'], 'Name is required!'],
  [['Name', 'shop'], 'Process is required!'],
  [['Name', '', 'Process', 'P1'], 'Name must be'],
  [['Name', 'Shop', 'Process', 'P1'], 'Name must be'],
  [['Name', 'a b', 'Process', 'P1'], 'Name must be'],
  [['Name', 'käse', 'Process', 'P1'], 'Name must be'],
  [['Name', 'n'.repeat(65), 'Process', 'P1'], 'Name must be'],
  [['Name', 'shop', 'Process', 'P 1'], 'Process must be'],
])('refuses to register %j', (registerTags, reason) => {
  expect(registry.send('bob', 'Register', ...registerTags).error).toContain(`abort: ${reason}`)
  expect(registry.cells.values.size).toBe(0)
})

it('refuses a cursor of another prefix and an unknown action', () => {
  expect(registry.send('x', 'List', 'Prefix', 'a', 'Cursor', 'b').error).toContain('Cursor')
  expect(registry.send('x', 'Steal', 'Name', 'a').error).toBe('abort: Unknown Action')
})
