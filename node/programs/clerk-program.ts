/** The program of the thread that reads queries of the IC and signs their answers. */
export function clerkProgram(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`clerk-main.${extension}`, import.meta.url)
}
