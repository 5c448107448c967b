// What compute units agree on: finality for processes that ask for several units, and those whose units are elsewhere.
export { AgreedComputer } from './agreed-computer.ts'
export { Agreement } from './agreement.ts'
export { type SpotCheckOutcome, SpotChecks } from './spot-checks.ts'
export { TimerWatch } from './timer-watch.ts'
export { UnitService } from './unit-service.ts'
export type { AgreementParts } from './parts.ts'
