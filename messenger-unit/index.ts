// Carries messages: intake, push of what certified results ask for, message trees.
export { MessengerUnit, type MessengerUnitParts } from './messenger-unit.ts'
