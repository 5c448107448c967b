import { Failure, MalformedBytes } from '../../protocol/index.ts'

/** What `read` gives; nothing, if what others wrote cannot be read. @throws {Failure} what this machine is to blame for */
export async function readable<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof MalformedBytes || Failure.from(error).blame !== 'host') return undefined
    throw error
  }
}
