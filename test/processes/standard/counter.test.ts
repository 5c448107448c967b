import { beforeEach, expect, it } from 'vitest'
import { StandardDriver } from './standard-driver.ts'

let counter: StandardDriver
beforeEach(async () => {
  counter = await StandardDriver.spawn('counter', 'ann')
})

it('counts what it is told to add', () => {
  expect(counter.send('bob', 'Get').output).toBe('0')
  expect(counter.send('bob', 'Add').output).toBe('1')
  expect(counter.send('bob', 'Add', 'Quantity', '41').output).toBe('42')
  expect(counter.send('bob', 'Add', 'Quantity', '-2').output).toBe('40')
  expect(counter.send('bob', 'Get').output).toBe('40')
})

it('lets only its spawner reset', () => {
  counter.send('bob', 'Add')
  expect(counter.send('bob', 'Reset').error).toBe('abort: Only the owner may reset')
  expect(counter.send('bob', 'Get').output).toBe('1')
  expect(counter.send('ann', 'Reset').output).toBe('0')
  expect(counter.send('bob', 'Get').output).toBe('0')
})

it.each([[''], ['-'], ['1.5'], ['1e3'], ['x'], ['1234567890123456789'], [' 1'], ['١']])(
  'refuses the quantity "%s"',
  quantity => {
    expect(counter.send('bob', 'Add', 'Quantity', quantity).error).toMatch(/^abort: /)
    expect(counter.send('bob', 'Get').output).toBe('0')
  },
)

it('refuses an action it does not know', () => {
  expect(counter.send('bob', 'Explode').error).toBe('abort: Unknown Action')
  expect(counter.deliver({ from: 'bob' }).error).toBe('abort: Unknown Action')
})
