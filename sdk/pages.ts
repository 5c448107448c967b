/** Reads a listing page by page: each page is asked for when the one before has been read. */
export async function* pagesOf<E, C>(
  read: (cursor: C | undefined) => Promise<{ readonly entries: readonly E[]; readonly next: C | undefined }>,
): AsyncGenerator<E> {
  let cursor: C | undefined
  do {
    const { entries, next } = await read(cursor)
    yield* entries
    cursor = next
  } while (cursor !== undefined)
}
