import { readdir, readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { sha256Module } from '../../protocol/sha256-code.ts'
import { freshBundle } from '../../startup/index.ts'

const folder = freshBundle() ?? expect.fail('no bundle was made')
const programs = (await readdir(folder)).filter(name => name.endsWith('.js'))
const textOf = (name: string): Promise<string> => readFile(new URL(name, folder), 'utf8')

test('a letter of a program takes the engine one byte', async () => {
  const wide = await Promise.all(programs.map(async name => /[^\0-\x7f]/.exec(await textOf(name))?.[0] ?? ''))
  expect(wide.join('')).toBe('')
})

test('no program makes at its start what is always the same', async () => {
  const bytes = Buffer.from(sha256Module()).toString('base64')
  expect(await textOf('host-main.js')).toContain(bytes)
})

test('where native parts lie is known before a program starts', async () => {
  const texts = (await Promise.all(programs.map(textOf))).join('')
  expect(texts.includes(`/prebuilds/${process.platform}-${process.arch}/rocksdb-native.node`)).toBe(true)
})
