// Processes as tools: the Model Context Protocol over what processes promise.
export type { McpParts } from './server.ts'
export { McpHttpServer } from './serve-http.ts'
export { serveMcpOverStdio } from './serve-stdio.ts'
