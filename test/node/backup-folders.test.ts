import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { restoreBackup } from '../../node/index.ts'
import { HypercoreLog } from '../../log/index.ts'
import { temporaryFolder } from '../cli/test-terminal.ts'

it('a backup goes into no folder that holds something, nor does what is restored; and only a backup is restored', async () => {
  await using folder = await temporaryFolder()
  const [full, data, backup] = ['full', 'data', 'backup'].map(name => join(folder.path, name)) as [
    string,
    string,
    string,
  ]
  await mkdir(full)
  await writeFile(join(full, 'mine.txt'), 'keep')
  await using log = await HypercoreLog.open({ directory: data, keySeed: new Uint8Array(32).fill(1) })
  await expect(log.backUp(full)).rejects.toMatchObject({ code: 'already-there', details: { folder: full } })
  await expect(restoreBackup(full, join(folder.path, 'new'))).rejects.toMatchObject({ code: 'bad-file' })
  await log.backUp(backup)
  await mkdir(join(backup, 'keys'))
  await expect(restoreBackup(backup, full)).rejects.toMatchObject({ code: 'already-there', details: { data: full } })
})
