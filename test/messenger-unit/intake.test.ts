import { expect, it } from 'vitest'
import { Intake, type IntakeParts } from '../../messenger-unit/intake.ts'
import { Failure } from '../../protocol/index.ts'
import { moduleItem, tagsOf } from '../fakes/signed-items.ts'

const MiB = 1024 * 1024

/** An intake whose checks of modules end when told to. */
function openIntake() {
  const checks = Promise.withResolvers<void>()
  let checked = 0
  const directory = { moduleItem: async () => undefined, addModule: async () => undefined }
  const parts = {
    log: { directory },
    checkModule: () => {
      checked++
      return checks.promise
    },
  } as unknown as IntakeParts
  return { intake: new Intake(parts), endChecks: () => checks.resolve(), checked: () => checked }
}

it('modules that are checked at once have bounded bytes together: who brings more comes again', async () => {
  const { intake, endChecks, checked } = openIntake()
  const large = moduleItem(new Uint8Array(39 * MiB), tagsOf({ 'Module-Format': 'actor' }))
  const small = moduleItem(new Uint8Array(MiB), tagsOf({ 'Module-Format': 'actor' }))
  const taken = Array.from({ length: 6 }, () => intake.take([large.bytes]))
  await expect.poll(checked).toBe(6)
  const [refused] = await intake.take([large.bytes])
  expect(refused).toMatchObject({ code: 'busy' })
  const fits = intake.take([small.bytes])
  await expect.poll(checked).toBe(7)
  endChecks()
  for (const [answer] of await Promise.all([...taken, fits])) expect(answer).not.toBeInstanceOf(Failure)
  const [again] = await intake.take([large.bytes])
  expect(again).toEqual({ module: large.id })
})
