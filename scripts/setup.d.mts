/** Why the dependencies below `root` must be installed, or nothing if they are those of its lockfile. */
export function reasonToInstall(root?: string): string | undefined
/** Node's own binary for this machine, as the dev dependency `node` brings it. */
export function pinnedNode(root?: string): string | undefined
