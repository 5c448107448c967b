import {
  BUNDLE_ITEMS_MAX,
  type BundledView,
  decodeBundle,
  Failure,
  findTag,
  MalformedBytes,
  type ModuleAdded,
  type Operations,
  type ParsedItem,
  parseDataItem,
  problemOf,
  type Receipt,
} from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'

/** Handing in messages and asking where they stand. */
export function messageOperations(
  parts: OperationParts,
): Pick<Operations, 'send' | 'sendBundle' | 'addModule' | 'message'> {
  const { messenger, log } = parts
  return {
    async send({ bytes }, options) {
      return accepted(await messenger.submit([bytes], options))
    },
    async sendBundle({ bytes }, options) {
      const answers = await messenger.submit(itemsOf(bytes), options)
      return answers.map(showAnswer)
    },
    async addModule({ bytes }, options) {
      if (typeOf(bytes) !== 'Module') throw new Failure('wrong-type', {}, { note: 'expected an item with Type=Module' })
      const answer = accepted(await messenger.submit([bytes], options))
      if ('module' in answer) return answer
      throw new Failure('internal', {}, { note: 'a module was scheduled' })
    },
    async message({ message }) {
      const places = await log.messages.placesOf(message)
      if (places.length === 0) throw new Failure('unknown-message', { message })
      return { id: message, places }
    },
  }
}

function accepted(answers: readonly (Receipt | ModuleAdded | Failure)[]): Receipt | ModuleAdded {
  const [answer] = answers
  if (answer === undefined) throw new Failure('internal', {}, { note: 'no answer for an item' })
  if (answer instanceof Failure) throw answer
  return answer
}

function showAnswer(answer: Receipt | ModuleAdded | Failure): BundledView {
  return answer instanceof Failure ? { problem: problemOf(answer) } : answer
}

function itemsOf(bundle: Uint8Array): ParsedItem[] {
  const items = wellFormed(() => decodeBundle(bundle))
  if (items.length > BUNDLE_ITEMS_MAX) throw new Failure('too-large', { items: items.length, max: BUNDLE_ITEMS_MAX })
  return items
}

function typeOf(item: Uint8Array): string | undefined {
  return findTag(wellFormed(() => parseDataItem(item)).tags, 'Type')
}

function wellFormed<T>(parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new Failure('malformed-item', { what: error.what, offset: error.offset }, { cause: error })
  }
}
