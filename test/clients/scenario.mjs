/** Runs the steps of a scenario one after the other; tells each that held as a line, and ends with 1 at the first that did not. */
export async function run(steps) {
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step()
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(`not ok ${name}`)
      console.error(error)
      process.exit(1)
    }
  }
  process.exit(0)
}

/** Does something while the clock of this program is wrong. */
export async function withClockOff(minutes, work) {
  const RealDate = globalThis.Date
  const off = minutes * 60_000
  globalThis.Date = class extends RealDate {
    constructor(...args) {
      super(...(args.length === 0 ? [RealDate.now() + off] : args))
    }
    static now() {
      return RealDate.now() + off
    }
  }
  try {
    await work()
  } finally {
    globalThis.Date = RealDate
  }
}
