import type { Command, OptionRow } from '../command.ts'

const DATA_OPTION = {
  data: { type: 'string', short: 'd', value: 'folder', about: 'data folder of the node (ATOLL_DATA)' },
} as const satisfies Record<string, OptionRow>

/** Commands about feeds as files, and about the data folder as a whole. */
export const FEED_FILE_COMMANDS: readonly Command[] = [
  {
    name: 'feed verify',
    usage: '<process|file>',
    about: 'Check spawn message, blocks and signatures of a feed here',
    options: {},
    examples: ['atoll feed verify hits', 'atoll feed verify hits.feed'],
    load: async () => (await import('../commands/feed-file.ts')).verifyFeed,
  },
  {
    name: 'feed export',
    usage: '<process>',
    about: 'Write a feed into a file that anybody can check and import',
    options: { file: { type: 'string', value: 'file', about: 'where to (<process>.feed)' } },
    examples: ['atoll feed export hits', 'atoll feed export hits --file hits.feed'],
    load: async () => (await import('../commands/feed-file.ts')).exportFeed,
  },
  {
    name: 'feed import',
    usage: '<file>',
    about: 'Check a feed and put it into a data folder; its node must not run',
    options: DATA_OPTION,
    examples: ['atoll feed import hits.feed --data ./.atoll'],
    load: async () => (await import('../commands/feed-file.ts')).importFeedFile,
  },
  {
    name: 'node backup',
    usage: '<folder>',
    about: 'Copy the data folder of a running node, keys included, as it is at one moment',
    options: DATA_OPTION,
    examples: ['atoll node backup /backup/monday'],
    load: async () => (await import('../commands/backup.ts')).backUpNode,
  },
  {
    name: 'node restore',
    usage: '<backup>',
    about: 'Put a backup into an empty data folder',
    options: DATA_OPTION,
    examples: ['atoll node restore /backup/monday --data ./.atoll'],
    load: async () => (await import('../commands/backup.ts')).restoreNode,
  },
]
