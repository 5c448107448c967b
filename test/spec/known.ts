/**
 * Checks that fail for a reason that is not the rewriter's, by file and line. Everything else must
 * pass before and after.
 */
const ENGINE = 'the engine follows a newer specification'
const BINARYEN = "binaryen's own variant of the test does not fit its module"
const IMPORTED_MAXIMUM = 'an imported memory has a smaller maximum than its import declares: growth is a host fault'

export const KNOWN: ReadonlyMap<string, string> = new Map([
  ['binaryen-108/imports:260', BINARYEN],
  ['binaryen-108/imports:316', BINARYEN],
  ['binaryen-108/imports:582', IMPORTED_MAXIMUM],
  ['binaryen-108/linking:236', ENGINE],
  ['binaryen-108/linking:248', ENGINE],
  ['binaryen-108/linking:320', IMPORTED_MAXIMUM],
  ['binaryen-108/linking:342', ENGINE],
  ['binaryen-108/linking:354', ENGINE],
  ['binaryen-108/old_import:49', ENGINE],
  ['binaryen-108/old_import:90', BINARYEN],
  ['binaryen-108/old_import:91', BINARYEN],
  ['binaryen-108/old_import:219', IMPORTED_MAXIMUM],
  ['binaryen-108/ref_func:4', BINARYEN],
  ['binaryen-120/imports:260', BINARYEN],
  ['binaryen-120/imports:568', IMPORTED_MAXIMUM],
  ['binaryen-120/linking:236', ENGINE],
  ['binaryen-120/linking:248', ENGINE],
  ['binaryen-120/linking:320', IMPORTED_MAXIMUM],
  ['binaryen-120/linking:342', ENGINE],
  ['binaryen-120/linking:354', ENGINE],
  ['binaryen-120/old_import:90', BINARYEN],
  ['binaryen-120/old_import:91', BINARYEN],
  ['binaryen-120/old_import:196', IMPORTED_MAXIMUM],
  ['binaryen-120/ref_func:4', BINARYEN],
])
