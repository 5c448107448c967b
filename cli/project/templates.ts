import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A project to begin from. */
export interface Template {
  readonly name: string
  readonly about: string
  readonly folder: string
}

/** The folder of this package: of a clone, or below node_modules. */
export function packageFolder(): string {
  for (let folder = import.meta.dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'templates')) && existsSync(join(folder, 'package.json'))) return folder
    if (folder === dirname(folder)) throw new Error('expected the folder of the package above this file')
  }
}

/** The templates that come with Atoll, in order of their names. What one is about is the first sentence of its page. */
export async function templates(): Promise<Template[]> {
  const folder = join(packageFolder(), 'templates')
  const names = (await readdir(folder, { withFileTypes: true }))
    .filter(entry => entry.isDirectory())
    .map(entry => entry.name)
  return Promise.all(
    names.sort().map(async name => ({ name, folder: join(folder, name), about: await aboutOf(join(folder, name)) })),
  )
}

async function aboutOf(folder: string): Promise<string> {
  const page = await readFile(join(folder, 'README.md'), 'utf8')
  const [, text = ''] = page.split('\n\n')
  return (/^.*?\.(?=\s|$)/s.exec(text)?.[0] ?? text).replaceAll('\n', ' ')
}
