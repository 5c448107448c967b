// From files of an author to modules.
export { type BuildAgentOptions, type BuiltAgent, buildAgent } from './build-agent.ts'
export { type BuiltMotoko, buildMotoko } from './build-motoko.ts'
export { type BuiltModule, type BuiltProcess, buildProject, type NameModule } from './build-project.ts'
export { type Project, type ProcessSource, readProject, shownFile } from './project.ts'
