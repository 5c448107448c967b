/** The JSON that wabt's wast2json makes of a .wast file, as far as the runner needs it. */
export interface Value {
  readonly type: string
  readonly lane_type?: string
  readonly value?: string | readonly string[]
}

export interface Action {
  readonly type: 'invoke' | 'get'
  readonly module?: string
  readonly field: string
  readonly args?: readonly Value[]
}

export interface Command {
  readonly type: string
  readonly line: number
  readonly name?: string
  readonly as?: string
  readonly filename?: string
  readonly module_type?: string
  readonly action?: Action
  readonly expected?: readonly Value[]
  readonly text?: string
}

export interface ManifestEntry {
  readonly suite: string
  readonly name: string
  readonly unconverted?: string
}
