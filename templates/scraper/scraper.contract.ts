import { contract, message, query } from 'atoll/contract'
import { z } from 'zod'

const Url = z.url()
const Page = z.object({
  url: z.string(),
  title: z.string(),
  changedMs: z.int(),
  checks: z.int(),
  failed: z.string().optional(),
})

/** Looks at pages every so often, and tells when one has changed. */
export const Scraper = contract({
  name: 'scraper',
  version: '1.0.0',
  args: z.object({ every: z.templateLiteral([z.int().min(1), z.enum(['m', 'h', 'd'])]).default('1h') }),
  state: z.object({ every: z.string(), pages: z.record(z.string(), Page), marks: z.record(z.string(), z.string()) }),
  messages: {
    watch: message({ input: z.object({ url: Url }), allow: ['owner'], doc: 'Look at a page from now on' }),
    forget: message({ input: z.object({ url: Url }), allow: ['owner'] }),
    look: message({ input: z.object({ url: Url }), reply: Page, allow: ['owner', 'self'], doc: 'Look at a page now' }),
  },
  queries: { pages: query({ reply: z.array(Page) }) },
  events: { changed: z.object({ url: z.string(), title: z.string() }) },
})
