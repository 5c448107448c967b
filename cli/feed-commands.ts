import type { Command, OptionRow } from './command.ts'

/** Where the admin token of the node is. */
const DATA_OPTION = {
  data: {
    type: 'string',
    short: 'd',
    value: 'folder',
    about: 'data folder of the node, for its admin token (or ATOLL_ADMIN_TOKEN)',
  },
} as const satisfies Record<string, OptionRow>

/** Commands about feeds of processes elsewhere. */
export const FEED_COMMANDS: readonly Command[] = [
  {
    name: 'feed list',
    usage: '',
    about: 'Feeds of processes elsewhere that the node takes over',
    options: DATA_OPTION,
    examples: ['atoll feed list', 'atoll feed list -o ndjson'],
    load: async () => (await import('./commands/feed.ts')).listFeeds,
  },
  {
    name: 'feed seed',
    usage: '<process>',
    about: 'Take over the feed of a process, evaluate it and give it on',
    options: DATA_OPTION,
    examples: ['atoll feed seed <process>'],
    load: async () => (await import('./commands/feed.ts')).seedFeed,
  },
  {
    name: 'feed unseed',
    usage: '<process>',
    about: 'Take it over no longer; what is here stays',
    options: DATA_OPTION,
    examples: ['atoll feed unseed <process>'],
    load: async () => (await import('./commands/feed.ts')).unseedFeed,
  },
]
