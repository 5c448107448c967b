/** Clients hand names on to models, whose interfaces take letters, digits, dashes and underscores, and no more than this. */
export const TOOL_NAME_MAX_CHARS = 64
/** Stands in no label. */
export const SEPARATOR = '__'

/** What the tool of a message or query is called. */
export const toolName = (label: string, name: string): string => `${label}${SEPARATOR}${name}`

/** The label and the name of a tool. */
export function partsOf(tool: string): readonly [label: string, name: string] {
  const at = tool.indexOf(SEPARATOR)
  return at < 0 ? [tool, ''] : [tool.slice(0, at), tool.slice(at + SEPARATOR.length)]
}
