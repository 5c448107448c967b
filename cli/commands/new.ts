import { basename, relative, resolve } from 'node:path'
import { Failure } from '../../protocol/index.ts'
import type { CommandContext, CommandEnd } from '../command.ts'
import { textFlag } from '../words/message-arguments.ts'
import { didYouMean } from '../../contract/index.ts'
import { newProject } from '../project/new-project.ts'
import { type Template, templates } from '../project/templates.ts'
import { renderTable } from '../showing/table.ts'
import { commandName } from '../showing/words-to-type.ts'

/** `atoll new`: a project to begin from; without a template, which there are. */
export async function newFromTemplate(context: CommandContext): Promise<CommandEnd> {
  const { positionals, flags, terminal, output } = context
  const [wanted, where = wanted] = positionals
  const known = await templates()
  if (wanted === undefined) {
    output.list(
      'template',
      'templates',
      known.map(({ name, about }) => ({ name, about })),
      () => listOf(known, commandName(context)),
    )
    return undefined
  }
  const template = known.find(({ name }) => name === wanted)
  if (template === undefined) {
    throw new Failure(
      'usage',
      { template: wanted, known: known.map(({ name }) => name) },
      {
        note: `there is no such template${didYouMean(
          wanted,
          known.map(({ name }) => name),
        )}`,
      },
    )
  }
  const folder = resolve(terminal.cwd, where ?? wanted)
  const project = await newProject(template, folder, textFlag(flags, 'name') ?? basename(folder).toLowerCase())
  const shown = relative(terminal.cwd, folder) || '.'
  output.document('project.new', { ...project, template: template.name }, () =>
    [
      `${terminal.paint('green', '✔')} ${shown}: a project of the template ${template.name}`,
      ...project.files.map(file => `  ${file}`),
      '',
      'next:',
      // What a project installs from a clone is what was built there.
      ...(project.packageFolder === undefined
        ? []
        : [`  npm run -s build${prefixOf(relative(terminal.cwd, project.packageFolder))}`]),
      ...(shown === '.' ? [] : [`  cd ${shown}`]),
      '  npm install',
      ...(project.hasTests ? ['  npm test'] : []),
      '  npm run dev',
    ].join('\n'),
  )
  return undefined
}

const prefixOf = (path: string): string => (path === '' ? '' : ` --prefix ${path}`)

function listOf(known: readonly Template[], command: string): string {
  const rows = known.map(({ name, about }) => [name, about])
  return `${renderTable([{ title: 'TEMPLATE' }, { title: 'ABOUT' }], rows)}\n\nbegin from one: ${command} new <template> [folder]`
}
