// biome-ignore-all format: a table reads by its rows
import type { Command, OptionRow } from '../command.ts'

const PENDING_OPTION = {
  pending: { type: 'string', value: 'wait|reject', about: 'open calls are waited for, or rejected (wait)' },
} as const satisfies Record<string, OptionRow>

const AT_OPTION = {
  at: { type: 'string', value: 'slot', about: 'the state after this slot (the last)' },
} as const satisfies Record<string, OptionRow>

/** Commands about the modules, states and timers of processes; part of the one table. */
export const LIFECYCLE_COMMANDS: readonly Command[] = [
  {
    name: 'process upgrade', usage: '<process> <module>', about: 'Replace its module, or take a .process.ts file; the state is kept',
    options: {
      ...PENDING_OPTION,
      'no-check': { type: 'boolean', about: 'do not try it on a copy first' },
      'check-only': { type: 'boolean', about: 'try it on a copy, and leave it at that' },
      replay: { type: 'string', value: 'count', about: 'last messages given to both modules, to compare (20)' },
      'no-rollback': { type: 'boolean', about: 'keep no state to go back to' },
    },
    examples: ['atoll process upgrade hits counter-2', 'atoll process upgrade hits counter-2 --check-only --replay 100', 'atoll process upgrade hits counter.process.ts'],
    load: async () => (await import('../commands/upgrade.ts')).upgrade,
  },
  {
    name: 'process rollback', usage: '<process>', about: 'Go back to the module and state before the last upgrade',
    options: {
      pending: { type: 'string', value: 'reject|wait', about: 'open calls are rejected, or waited for (reject)' },
    },
    examples: ['atoll process rollback hits'],
    load: async () => (await import('../commands/upgrade.ts')).rollback,
  },
  {
    name: 'process handover', usage: '<process>', about: 'Hand it over to other schedulers, and compute units',
    options: {
      scheduler: { type: 'string', multiple: true, value: 'key', about: 'a scheduler from now on; repeat for several' },
      'scheduler-quorum': { type: 'string', value: 'count', about: 'how many of them must sign (more than half)' },
      'compute-unit': { type: 'string', multiple: true, value: 'key', about: 'a compute unit from now on; repeat for several (those of now)' },
      agree: { type: 'string', value: 'count', about: 'how many compute units must agree (as many as now)' },
      'allow-loss': { type: 'boolean', about: 'though its schedulers do not answer, and what they acknowledged lately may be lost' },
    },
    examples: ['atoll process handover hits --scheduler <key>', 'atoll process handover hits --scheduler <key> --allow-loss'],
    load: async () => (await import('../commands/handover.ts')).handover,
  },
  {
    name: 'process snapshot', usage: '<process>', about: 'Have it keep its state under a name',
    options: { name: { type: 'string', value: 'name', about: 'what to call it (the time)' } },
    examples: ['atoll process snapshot hits --name before-sale'],
    load: async () => (await import('../commands/snapshots.ts')).snapshot,
  },
  {
    name: 'process snapshots', usage: '<process>', about: 'The states it keeps, and the modules it had', options: {},
    examples: ['atoll process snapshots hits'],
    load: async () => (await import('../commands/snapshots.ts')).snapshots,
  },
  {
    name: 'process restore', usage: '<process> [snapshot]', about: 'Put a kept state, or a document, in place of the present one',
    options: {
      file: { type: 'string', value: 'file', about: 'a document that "state export" wrote; - is standard input' },
      ...PENDING_OPTION,
    },
    examples: ['atoll process restore hits before-sale', 'atoll process restore hits --file hits.json'],
    load: async () => (await import('../commands/snapshots.ts')).restore,
  },
  {
    name: 'process forget', usage: '<process> <snapshot>', about: 'Have it drop a state that it keeps', options: {},
    examples: ['atoll process forget hits before-sale'],
    load: async () => (await import('../commands/snapshots.ts')).forget,
  },
  {
    name: 'process fork', usage: '<process>', about: 'Make a process of your own that begins with its state',
    options: {
      ...AT_OPTION,
      name: { type: 'string', value: 'name', about: 'Name tag of the new process' },
      'no-schedules': { type: 'boolean', about: 'begin without its timers' },
    },
    examples: ['atoll process fork hits --name what-if', 'atoll process fork hits --at 118 --no-schedules'],
    load: async () => (await import('../commands/fork.ts')).fork,
  },
  {
    name: 'process replay', usage: '<process>', about: 'Evaluate its feed again here, up to a slot, and show each',
    options: {
      to: { type: 'string', value: 'slot', about: 'the last slot (the last of the feed)' },
      last: { type: 'string', short: 'n', value: 'count', about: 'slots to show (20)' },
    },
    examples: ['atoll process replay hits --to 118', 'atoll process replay hits --to 118 -o ndjson'],
    load: async () => (await import('../commands/replay.ts')).replay,
  },
  {
    name: 'schedule list', usage: '<process>', about: 'Its timers: when each is due, and how often', options: {},
    examples: ['atoll schedule list hits'],
    load: async () => (await import('../commands/schedule.ts')).listSchedules,
  },
  {
    name: 'schedule cancel', usage: '<process> <key>', about: 'Take a timer away', options: {},
    examples: ['atoll schedule cancel hits decay'],
    load: async () => (await import('../commands/schedule.ts')).cancelSchedule,
  },
  {
    name: 'schedule run-now', usage: '<process> <key>', about: 'Have a timer fire now', options: {},
    examples: ['atoll schedule run-now hits decay'],
    load: async () => (await import('../commands/schedule.ts')).runSchedule,
  },
  {
    name: 'state get', usage: '<process>', about: 'The state, now or as of a slot', options: AT_OPTION,
    examples: ['atoll state get hits', 'atoll state get hits --at 118 -o json'],
    load: async () => (await import('../commands/state.ts')).getState,
  },
  {
    name: 'state diff', usage: '<process>', about: 'What changed between two slots',
    options: {
      from: { type: 'string', value: 'slot', about: 'the state after this slot (the one before --at)' },
      ...AT_OPTION,
    },
    examples: ['atoll state diff hits', 'atoll state diff hits --from 100 --at 118'],
    load: async () => (await import('../commands/state.ts')).diffState,
  },
  {
    name: 'state export', usage: '<process>', about: 'The document of its state, to restore or fork from', options: AT_OPTION,
    examples: ['atoll state export hits', 'atoll state export hits --at 118'],
    load: async () => (await import('../commands/state.ts')).exportState,
  },
]
