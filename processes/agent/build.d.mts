/**
 * Makes what agents run on, the engine and what runs inside it before any of them, in `outDir`, by default the folder `build` beside this file.
 * `fresh`: sources and tools were the same as last time, so nothing had to be done.
 */
export declare function buildAgentRuntime(outDir?: string): Promise<'built' | 'fresh'>
