import { Failure, type Operations, PAGE_MAX } from '../../protocol/index.ts'
import type { OperationParts } from '../parts.ts'
import { showModule } from './show.ts'

/** What modules this node knows. */
export function moduleOperations(parts: OperationParts): Pick<Operations, 'listModules' | 'module' | 'moduleItem'> {
  const { directory } = parts.log
  return {
    async listModules({ after, limit = PAGE_MAX }) {
      const modules = await directory.modules({ after, limit })
      const last = modules.at(-1)
      return {
        modules: modules.map(module => showModule(module)),
        next: modules.length === limit ? last?.id : undefined,
      }
    },
    async module({ module }) {
      const found = await directory.module(module)
      if (found === undefined) throw new Failure('unknown-module', { module })
      return showModule(found, found.wasm.length)
    },
    async moduleItem({ module }) {
      const item = await directory.moduleItem(module)
      if (item === undefined) throw new Failure('unknown-module', { module })
      return item
    },
  }
}
