import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type EffectOptions, openEffects } from '../../node/effects.ts'
import { openKeystore } from '../../node/keystore.ts'

async function freshFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-effects-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

async function opened(options: EffectOptions) {
  return openEffects(await openKeystore(await freshFolder()), options)
}

it('a model that can be asked is offered', async () => {
  const { effects } = await opened({ llmUrl: 'http://127.0.0.1:11434/v1', llmModel: 'm' })
  expect(Object.keys(effects)).toEqual(['http.fetch', 'llm.generate'])
})

it.each(['127.0.0.1:11434/v1', 'localhost:11434/v1', 'ftp://127.0.0.1/v1', 'http://me:secret@127.0.0.1:11434/v1'])(
  'an address at which no model can be asked is refused at the start: %s',
  async llmUrl => {
    const refused = opened({ llmUrl, llmModel: 'm' })
    await expect(refused).rejects.toMatchObject({ code: 'bad-config', details: { setting: 'llmUrl' } })
    await expect(refused).rejects.not.toThrow('secret')
  },
)

it.each(['', '\n', 'sk-a\nsk-b', 'sk-a sk-b', 'sk-é'])(
  'a file that holds no key is refused at the start: %j',
  async text => {
    const llmKeyFile = join(await freshFolder(), 'key')
    await writeFile(llmKeyFile, text, { mode: 0o600 })
    await expect(opened({ llmUrl: 'http://127.0.0.1/v1', llmModel: 'm', llmKeyFile })).rejects.toMatchObject({
      code: 'bad-config',
      details: { setting: 'llmKeyFile' },
    })
  },
)

it.each(['http://', 'https://a.b/path', '*:0', '127.0.0.1:65536'])(
  'an entry that is no host is refused at the start: %s',
  async entry => {
    await expect(opened({ effectsHttp: [entry] })).rejects.toMatchObject({ code: 'bad-config' })
  },
)
