const INTERRUPT = '\u0003'

/** Runs what a key stands for, each time it is pressed, until disposed; nothing where nobody can press one. */
export function hotKeys(keys: Readonly<Record<string, () => void>>): Disposable {
  const { stdin } = process
  if (!stdin.isTTY) return { [Symbol.dispose]: () => undefined }
  const onData = (text: string): void => {
    // A terminal that gives single keys gives this one too, instead of a signal.
    if (text === INTERRUPT) process.kill(process.pid, 'SIGINT')
    else keys[text]?.()
  }
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  stdin.on('data', onData)
  stdin.resume()
  return {
    [Symbol.dispose]: () => {
      stdin.off('data', onData)
      stdin.setRawMode(false)
      stdin.pause()
    },
  }
}
