// From files of an author to modules.
export { type BuildAgentOptions, type BuiltAgent, buildAgent } from './build-agent.ts'
