import { fromUtf8 } from '../../protocol/index.ts'
import type { CommandContext } from '../command.ts'
import { IdentityStore } from '../identity-store.ts'
import { readUserFile } from '../words/user-files.ts'
import { renderTable } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'

/** `atoll identity new` */
export async function newIdentity(context: CommandContext): Promise<undefined> {
  const { settings, positionals, output, terminal } = context
  const [name = ''] = positionals
  const store = new IdentityStore(settings.home)
  const identity = await store.create(name)
  output.document('identity', identity, () => identity.address)
  if (output.format === 'text')
    terminal.err(
      `kept in ${store.pathOf(name)}; ${commandName(context)} identity use ${name} makes it the one that signs\n`,
    )
}

/** `atoll identity import` */
export async function importIdentity(context: CommandContext): Promise<undefined> {
  const [name = '', file = ''] = context.positionals
  const text = fromUtf8(await readUserFile(context.terminal, file))
  const identity = await new IdentityStore(context.settings.home).import(name, text)
  context.output.document('identity', identity, () => identity.address)
}

/** `atoll identity list` */
export async function listIdentities({ settings, output, terminal }: CommandContext): Promise<undefined> {
  const all = await new IdentityStore(settings.home).list()
  const identities = all.map(identity => ({ ...identity, isUsed: identity.name === settings.identity }))
  output.list('identity', 'identities', identities, () =>
    identities.length === 0
      ? 'there are none yet; one is made when something is first signed'
      : renderTable(
          [{ title: '' }, { title: 'NAME' }, { title: 'KIND' }, { title: 'ADDRESS' }],
          identities.map(({ name, kind, address, isUsed }) => [
            isUsed ? terminal.paint('green', '*') : ' ',
            name,
            kind,
            address,
          ]),
        ),
  )
}

/** `atoll identity use` */
export async function useIdentity({ settings, positionals, output }: CommandContext): Promise<undefined> {
  const [name = ''] = positionals
  await new IdentityStore(settings.home).use(name)
  output.document('identity.used', { name }, () => `${name} signs from now on`)
}
