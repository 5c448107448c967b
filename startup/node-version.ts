const NODE_MAJOR_MIN = 24

/** Ends a program that runs on a Node too old for it: it would break at whatever is missing first. */
export function refuseOldNode(): void {
  const { node } = process.versions
  if (Number(node.split('.')[0]) >= NODE_MAJOR_MIN) return
  const next = `in a project, npm install --save-dev node@${NODE_MAJOR_MIN} gives its scripts one`
  process.stderr.write(`atoll needs Node ${NODE_MAJOR_MIN}, this is ${node}: ${next}\n`)
  process.exit(1)
}
