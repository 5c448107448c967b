import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { Failure } from '../../protocol/index.ts'
import { packageFolder, type Template } from './templates.ts'

/** Names that npm takes for a package. */
const PACKAGE_NAME = /^[a-z0-9][a-z0-9._-]{0,100}$/

const SCRIPTS = {
  dev: 'atoll dev',
  test: 'node --test',
  deploy: 'atoll deploy',
  check: 'tsc --noEmit',
}

export interface NewProject {
  readonly folder: string
  /** Files written, as paths in the folder. */
  readonly files: readonly string[]
  readonly hasTests: boolean
  /** The clone whose package it depends on, if that is not published. */
  readonly packageFolder: string | undefined
}

/** Writes a project made from a template into `folder`, which must be empty or new. @throws {Failure} `usage`, `already-there` */
export async function newProject(template: Template, folder: string, name: string): Promise<NewProject> {
  if (!PACKAGE_NAME.test(name))
    throw new Failure('usage', { name }, { note: 'expected small letters, digits and dashes' })
  await mkdir(folder, { recursive: true })
  const present = await readdir(folder)
  if (present.some(file => file !== '.git')) {
    throw new Failure('already-there', { folder, files: present.slice(0, 8) }, { note: 'the folder is not empty' })
  }
  await cp(template.folder, folder, { recursive: true })
  const additions = await takeAdditions(folder)
  const own = await ownFiles(folder, name, additions)
  for (const [file, text] of Object.entries(own)) await writeFile(join(folder, file), text)
  const isClone = import.meta.filename.endsWith('.ts')
  return {
    folder,
    files: (await readdir(folder)).sort(),
    hasTests: 'test' in (additions.scripts ?? SCRIPTS),
    packageFolder: isClone ? packageFolder() : undefined,
  }
}

/** What a template adds to the package.json of its projects. */
interface Additions {
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly atoll?: unknown
}

/** A template says so in a file of its own, which no project keeps. */
async function takeAdditions(folder: string): Promise<Additions> {
  const file = join(folder, 'project.json')
  const text = await readFile(file, 'utf8').catch(() => '{}')
  await rm(file, { force: true })
  return JSON.parse(text) as Additions
}

/** What every project has, whatever its template. */
async function ownFiles(
  folder: string,
  name: string,
  { scripts = SCRIPTS, dependencies, atoll }: Additions,
): Promise<Record<string, string>> {
  const own = JSON.parse(await readFile(join(packageFolder(), 'package.json'), 'utf8')) as PackageFile
  const isTyped = (await readdir(folder)).some(file => file.endsWith('.ts'))
  return {
    'package.json': json({
      name,
      private: true,
      type: 'module',
      scripts,
      ...(atoll === undefined ? {} : { atoll }),
      dependencies: {
        atoll: dependencyOn(own, folder),
        ...(isTyped ? { zod: own.dependencies['zod'] ?? '4' } : {}),
        ...dependencies,
      },
      devDependencies: { node: own.devDependencies['node'] ?? '24', ...(isTyped ? compilerOf(own) : {}) },
      // The one Node: its installation picks the binary for the machine.
      allowScripts: { node: true },
    }),
    ...(isTyped ? { 'tsconfig.json': json({ compilerOptions: COMPILER_OPTIONS }) } : {}),
    '.gitignore': 'node_modules/\n.atoll/\n',
  }
}

const COMPILER_OPTIONS = {
  target: 'es2023',
  module: 'nodenext',
  strict: true,
  noEmit: true,
  allowImportingTsExtensions: true,
  erasableSyntaxOnly: true,
  skipLibCheck: true,
  types: ['node'],
}

const compilerOf = ({ devDependencies }: PackageFile): Readonly<Record<string, string>> => ({
  '@types/node': devDependencies['@types/node'] ?? '24',
  typescript: devDependencies['typescript'] ?? '6',
})

interface PackageFile {
  readonly version: string
  readonly private?: boolean
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

/** A package that is not published is depended on where it lies. */
function dependencyOn({ version, private: isUnpublished }: PackageFile, folder: string): string {
  return isUnpublished === true ? `file:${relative(folder, packageFolder()).replaceAll('\\', '/')}` : version
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`
