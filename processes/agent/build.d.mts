/**
 * Bundles what runs inside the engine of agents into `outDir`, by default the folder `build` beside this file.
 * `fresh`: sources and bundler were the same as last time, so nothing had to be done.
 */
export declare function buildAgentPrelude(outDir?: string): Promise<'built' | 'fresh'>
