import { DEFAULT_LIMITS, type ModuleLimits } from './limits.ts'
import type { ExternalKind } from './module-shape.ts'

/** What a module may use beyond plain code. All are refused unless a profile gives them. */
export interface RewriteFeatures {
  /**
   * table.set, grow, fill, copy, init and elem.drop, and mutable globals of a reference type.
   * A snapshot holds no tables and no references: give it only to guests that live for one slot.
   */
  readonly tableMutation: boolean
  /** memory.init and data.drop. A snapshot does not know which segments were dropped. */
  readonly memoryInit: boolean
  /** data.drop does nothing: segments stay, so that a guest in a new instance finds what one in an old finds. */
  readonly segmentsStay: boolean
  /**
   * f32 and f64 in the types of imported and exported functions and in imported or exported
   * globals. A NaN that comes out has bits the engine chose: a host must never look at them.
   */
  readonly floatBoundary: boolean
  /** Mutable v128 globals, which a host can neither read nor write: no snapshot holds them. */
  readonly vectorGlobals: boolean
}

export const NO_FEATURES: RewriteFeatures = {
  tableMutation: false,
  memoryInit: false,
  segmentsStay: false,
  floatBoundary: false,
  vectorGlobals: false,
}

export interface RewriteProfile {
  /** The allow-list of imports. Tags are refused whatever it says. */
  readonly imports: (module: string, name: string, kind: ExternalKind) => boolean
  /** Cap for the memory, in pages of 64 KiB: its declared minimum, its maximum, its growth. */
  readonly memoryPagesMax: number
  /** Stack slots that guest frames may take together; see stackBytesFor. */
  readonly frameSlotsMax: number
  /** Whether stores mark their chunk in the dirty map. */
  readonly trackDirty: boolean
  readonly features?: Partial<RewriteFeatures>
  readonly limits?: Partial<ModuleLimits>
}

export const featuresOf = (profile: RewriteProfile): RewriteFeatures => ({
  ...NO_FEATURES,
  ...profile.features,
})

export const limitsOf = (profile: RewriteProfile): ModuleLimits => ({
  ...DEFAULT_LIMITS,
  ...profile.limits,
})
