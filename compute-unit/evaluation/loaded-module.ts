import type { GuestFactory, ModuleId, StateForm, Tag } from '../../protocol/index.ts'

export interface ModuleLimits {
  readonly gasPerSlotMax: bigint
}

/** A module that is ready to run in this host. */
export interface LoadedModule {
  readonly id: ModuleId
  readonly format: string
  readonly tags: readonly Tag[]
  readonly stateForm: StateForm
  /** The rule it breaks, if it may not run: all its slots end in that error. */
  readonly refused: string | undefined
  readonly factory: GuestFactory
  readonly limits: ModuleLimits
}

/** Gives a module that is loaded in this host. */
export type ModuleShelf = (id: ModuleId) => LoadedModule | undefined
