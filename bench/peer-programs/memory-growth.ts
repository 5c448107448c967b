/**
 * Lets ao-loader's wasm64 glue grow its memory on Node 24.
 *
 * The glue calls `grow` with a number; since memory64 became final, a 64-bit memory takes a BigInt
 * and every growth throws. Without this the peers could not run a wasm64 aos here at all.
 */
export function acceptNumbersInGrow(): void {
  const grow = WebAssembly.Memory.prototype.grow
  WebAssembly.Memory.prototype.grow = function (this: WebAssembly.Memory, pages: number) {
    try {
      return Number(Reflect.apply(grow, this, [pages]))
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return Number(Reflect.apply(grow, this, [BigInt(Math.floor(pages))]))
    }
  }
}
