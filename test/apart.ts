/**
 * Test files that each need a program of their own: what they test is a matter of the whole program, and what another
 * file did in it before would decide. All other unit tests share one program for each core.
 */
export const APART: readonly string[] = [
  // What a program has that was never told to use native code, as a browser is not.
  'test/protocol/**/*.test.ts',
  'test/sdk/**/*.test.ts',
  // A module is replaced by another before anything imports it.
  'test/node/keystore-without-links.test.ts',
  'test/processes/agent/other-engine.test.ts',
  'test/scheduler-unit/ingress.test.ts',
  // A library is loaded when it is first needed, or reads where to ask when it is loaded.
  'test/node/loaded-when-needed.test.ts',
  'test/gateway/ao/aoconnect.test.ts',
  'test/gateway/ao/conventions.test.ts',
  'test/gateway/ao/crons.test.ts',
  'test/gateway/ao/token.test.ts',
  // Memory of the program is counted.
  'test/compute-unit/host-seat.test.ts',
  'test/compute-unit/known-frames.test.ts',
  'test/processes/command/calls.test.ts',
  'test/log/rocks-store.test.ts',
]
