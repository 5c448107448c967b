import { measureWao, type WaoFigures } from '../peers.ts'
import type { RowContext } from './row.ts'

const measured: WaoFigures[] = []

/** wao's figures, measured now; later rows of the same run may look at them too. */
export async function waoNow(context: RowContext): Promise<WaoFigures> {
  const figures = await measureWao(context)
  measured.push(figures)
  return figures
}

/** The latest figures of this run, or new ones. */
export async function waoOnce(context: RowContext): Promise<WaoFigures> {
  return measured.at(-1) ?? (await waoNow(context))
}
