/**
 * Compiles every standard process into `outDir`, by default the folder `build` beside this file.
 * `fresh`: sources and compiler were the same as last time, so nothing had to be done.
 */
export declare function buildStandardProcesses(outDir?: string): Promise<'built' | 'fresh'>

/** Compiles one more process, in AssemblyScript, against the library of the standard ones in `assembly/`. */
export declare function compileProcess(text: string): Promise<Uint8Array>
