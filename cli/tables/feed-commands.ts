import type { Command } from '../command.ts'
import { ADMIN_OPTIONS } from '../words/common-options.ts'

/** Commands about feeds of processes elsewhere. */
export const FEED_COMMANDS: readonly Command[] = [
  {
    name: 'feed list',
    usage: '',
    about: 'Feeds of processes elsewhere that the node takes over',
    options: ADMIN_OPTIONS,
    examples: ['atoll feed list', 'atoll feed list -o ndjson'],
    load: async () => (await import('../commands/feed.ts')).listFeeds,
  },
  {
    name: 'feed seed',
    usage: '<process>',
    about: 'Take over the feed of a process, evaluate it and give it on',
    options: ADMIN_OPTIONS,
    examples: ['atoll feed seed <process>'],
    load: async () => (await import('../commands/feed.ts')).seedFeed,
  },
  {
    name: 'feed unseed',
    usage: '<process>',
    about: 'Take it over no longer; what is here stays',
    options: ADMIN_OPTIONS,
    examples: ['atoll feed unseed <process>'],
    load: async () => (await import('../commands/feed.ts')).unseedFeed,
  },
]
