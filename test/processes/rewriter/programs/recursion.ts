const repeat = (count: number, text: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ')

const CONSTANTS = {
  i32: '(i32.const 1)',
  i64: '(i64.const 1)',
  f64: '(f64.const 1)',
  v128: '(v128.const i32x4 1 2 3 4)',
}

/** Modules whose `run` recurses for ever, each with another kind of large frame. */
export function recursions(): ReadonlyMap<string, string> {
  const modules = new Map<string, string>()
  for (const [type, constant] of Object.entries(CONSTANTS)) {
    for (const count of [0, 1, 8, 60, 200]) {
      const give = `(func $give (result ${type}) ${constant})`
      const drops = repeat(count, () => 'drop')
      modules.set(
        `${count} ${type} locals`,
        `(module ${give} (func $f (export "run") ${repeat(count, () => `(local ${type})`)}
          ${repeat(count, index => `(local.set ${index} (call $give))`)} (call $f)
          ${repeat(count, index => `(drop (local.get ${index}))`)}))`,
      )
      modules.set(
        `${count} ${type} parameters`,
        `(module (func $f ${repeat(count, () => `(param ${type})`)}
          (call $f ${repeat(count, index => `(local.get ${count - 1 - index})`)})
          ${repeat(count, index => `(drop (local.get ${index}))`)})
          (func (export "run") (call $f ${repeat(count, () => constant)})))`,
      )
      modules.set(
        `${count} ${type} operands`,
        `(module ${give} (func $f (export "run")
          ${repeat(count, () => '(call $give)')} (call $f) ${drops}))`,
      )
      modules.set(
        `${count} ${type} results`,
        `(module (func (export "run") (call $f) ${drops})
          (func $f ${count > 0 ? `(result ${repeat(count, () => type)})` : ''}
            (call $f) ${drops} ${repeat(count, () => constant)}))`,
      )
    }
  }
  modules.set(
    'indirect calls',
    `(module (type $t (func)) (table 1 funcref) (elem (i32.const 0) $f)
      (func $f (export "run") (call_indirect (type $t) (i32.const 0))))`,
  )
  modules.set(
    'loops and stores',
    `(module (memory 1) (func $at (result i32) (i32.const 8)) (func $f (export "run")
      (loop (f64.store (call $at) (f64.add (f64.const 1) (f64.const 2)))
        (i32.store (call $at) (call $at)) (call $f) (br_if 0 (call $at)))))`,
  )
  return modules
}
