import type { Duration } from 'atoll/contract'
import { Scraper } from './scraper.contract.ts'

export default Scraper.implement({
  init: ({ args: { every } }) => ({ every, pages: {}, marks: {} }),
  on: {
    watch(ctx, { url }) {
      ctx.state.pages[url] ??= { url, title: '', changedMs: 0, checks: 0 }
      ctx.schedule({ every: ctx.state.every as Duration, key: keyOf(url) }, 'look', { url })
    },
    forget(ctx, { url }) {
      ctx.cancel(keyOf(url))
      delete ctx.state.pages[url]
      delete ctx.state.marks[url]
    },
    async look(ctx, { url }) {
      const checks = (ctx.state.pages[url]?.checks ?? 0) + 1
      const found = await fetchPage(ctx.effect('http.fetch', { url }, { key: `${url} ${checks}` }))
      const page = (ctx.state.pages[url] ??= { url, title: '', changedMs: 0, checks: 0 })
      page.checks = checks
      if (typeof found === 'string') page.failed = found
      else {
        delete page.failed
        if (ctx.state.marks[url] !== found.mark) {
          ctx.state.marks[url] = found.mark
          page.title = found.title
          page.changedMs = ctx.now.getTime()
          ctx.emit('changed', { url, title: found.title })
        }
      }
      return page
    },
  },
  query: { pages: ({ state }) => Object.values(state.pages) },
})

/** Title and mark of a page, or why there is none: a page that fails now may be back later. */
async function fetchPage(
  fetched: Promise<{ status: number; body?: string | undefined }>,
): Promise<{ title: string; mark: string } | string> {
  try {
    const { status, body = '' } = await fetched
    if (status !== 200) return `status ${status}`
    return { title: /<title[^>]*>([^<]*)/i.exec(body)?.[1]?.trim() ?? '', mark: markOf(body) }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The key of a page's schedule: keys are short, and have no spaces. */
const keyOf = (url: string): string => `look-${markOf(url)}`

/** A short fingerprint (FNV-1a): enough to see that a page is another. */
function markOf(text: string): string {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return `${text.length}-${(hash >>> 0).toString(16)}`
}
