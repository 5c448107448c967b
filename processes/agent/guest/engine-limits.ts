/** What ends code in spite of itself: what is said of it, and what to do. Where it stood is said behind. */
export const ENGINE_LIMITS = {
  'out-of-gas':
    'the gas of its message is used up: do less in one, and go on after ctx.sleep or in a message to oneself',
  'stack-overflow': 'calls nested too deep: use a loop over a list of what is left to do',
  'memory-limit': 'the agent used all of its memory: keep less in ctx.state, or spread it over processes of ctx.spawn',
  trap: 'the engine cannot go on: leave what is built in, such as Array, Map, Promise and JSON, as it is',
} as const
