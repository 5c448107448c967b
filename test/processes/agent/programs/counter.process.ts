import { z } from 'zod'

interface State {
  total: number
  notes: string[]
}

interface Context {
  state: State
  emit(name: string, data: unknown): void
  sleep(duration: string): Promise<void>
}

function refuse(why: string): never {
  throw Object.assign(new Error(`refused: ${why}`), { code: 'refused' })
}

export default {
  kind: 'agent',
  contract: {
    name: 'counter',
    version: '1.0.0',
    args: z.object({ start: z.number().int().default(0) }),
    state: z.object({ total: z.number().int(), notes: z.array(z.string()) }),
    messages: {
      add: { input: z.object({ by: z.number().int().min(1) }), reply: z.number().int() },
      fail: { input: z.object({ why: z.string().default('no reason') }) },
      loop: {},
      recurse: {},
      fill: {},
      slowly: { input: z.object({ by: z.number() }), reply: z.number() },
      failLater: {},
      reset: { allow: ['owner', 'self'] },
    },
    queries: { total: { reply: z.number().int() } },
    events: { changed: z.object({ total: z.number().int() }) },
  },
  definition: {
    init: ({ args }: { args: { start: number } }): State => ({ total: args.start, notes: [] }),
    on: {
      add(ctx: Context, { by }: { by: number }) {
        ctx.state.total += by
        ctx.state.notes.push(`added ${by}`)
        ctx.emit('changed', { total: ctx.state.total })
        return ctx.state.total
      },
      fail(ctx: Context, { why }: { why: string }) {
        ctx.state.total = -1
        ctx.emit('changed', { total: -1 })
        refuse(why)
      },
      loop(ctx: Context) {
        for (;;) ctx.state.total += 1
      },
      recurse(ctx: Context) {
        const deeper = (depth: number): number => deeper(depth + 1) + ctx.state.total
        return deeper(0)
      },
      fill(ctx: Context) {
        const line = 'x'.repeat(1024)
        for (let kib = 0; kib < 100 * 1024; kib++) ctx.state.notes.push(`${kib}${line}`)
      },
      async slowly(ctx: Context, { by }: { by: number }) {
        ctx.state.total += by
        await ctx.sleep('10s')
        ctx.state.total += by
        return ctx.state.total
      },
      async failLater(ctx: Context) {
        ctx.state.total += 1
        await ctx.sleep('10s')
        ctx.state.total = -1
        refuse('it is later')
      },
      reset(ctx: Context) {
        ctx.state.total = 0
      },
    },
    query: { total: ({ state }: { state: State }) => state.total },
  },
}
