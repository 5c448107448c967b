/** Small loops that stress one thing each: calls, loads, floats, byte stores, word stores. */
export const KERNELS: Readonly<Record<string, { readonly text: string; readonly arg: number }>> = {
  fib: {
    arg: 27,
    text: `(func $fib (export "run") (param i32) (result i32)
      (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                       (call $fib (i32.sub (local.get 0) (i32.const 2)))))))`,
  },
  sort: {
    arg: 60_000,
    text: `(func $swap (param $a i32) (param $b i32) (local $t i32)
      (local.set $t (i32.load (local.get $a)))
      (i32.store (local.get $a) (i32.load (local.get $b)))
      (i32.store (local.get $b) (local.get $t)))
    (func $sort (param $lo i32) (param $hi i32) (local $p i32) (local $i i32) (local $j i32)
      (if (i32.ge_s (local.get $lo) (local.get $hi)) (then (return)))
      (local.set $p (i32.load (local.get $hi)))
      (local.set $i (local.get $lo)) (local.set $j (local.get $lo))
      (block $done (loop $next
        (br_if $done (i32.ge_s (local.get $j) (local.get $hi)))
        (if (i32.lt_u (i32.load (local.get $j)) (local.get $p)) (then
          (call $swap (local.get $i) (local.get $j))
          (local.set $i (i32.add (local.get $i) (i32.const 4)))))
        (local.set $j (i32.add (local.get $j) (i32.const 4)))
        (br $next)))
      (call $swap (local.get $i) (local.get $hi))
      (call $sort (local.get $lo) (i32.sub (local.get $i) (i32.const 4)))
      (call $sort (i32.add (local.get $i) (i32.const 4)) (local.get $hi)))
    (func (export "run") (param $n i32) (result i32) (local $i i32) (local $x i32)
      (local.set $x (i32.const 12345))
      (loop $fill
        (local.set $x (i32.add (i32.mul (local.get $x) (i32.const 1664525)) (i32.const 1013904223)))
        (i32.store (i32.shl (local.get $i) (i32.const 2)) (local.get $x))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (local.get $n))))
      (call $sort (i32.const 0) (i32.shl (i32.sub (local.get $n) (i32.const 1)) (i32.const 2)))
      (i32.load (i32.const 400)))`,
  },
  matmul: {
    arg: 120,
    text: `(func (export "run") (param $n i32) (result i32)
      (local $i i32) (local $j i32) (local $k i32) (local $s f64) (local $row i32)
      (local.set $row (i32.shl (local.get $n) (i32.const 3)))
      (loop $is
        (local.set $j (i32.const 0))
        (loop $js
          (local.set $s (f64.const 0)) (local.set $k (i32.const 0))
          (loop $ks
            (local.set $s (f64.add (local.get $s) (f64.mul
              (f64.load (i32.add (i32.mul (local.get $i) (local.get $row))
                (i32.shl (local.get $k) (i32.const 3))))
              (f64.load offset=200000 (i32.add (i32.mul (local.get $k) (local.get $row))
                (i32.shl (local.get $j) (i32.const 3)))))))
            (br_if $ks (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1)))
              (local.get $n))))
          (f64.store offset=400000 (i32.add (i32.mul (local.get $i) (local.get $row))
            (i32.shl (local.get $j) (i32.const 3))) (local.get $s))
          (br_if $js (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1)))
            (local.get $n))))
        (br_if $is (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (local.get $n))))
      (i32.const 0))`,
  },
  sieve: {
    arg: 1_000_000,
    text: `(func (export "run") (param $n i32) (result i32) (local $i i32) (local $j i32)
      (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
      (local.set $i (i32.const 2))
      (loop $next
        (if (i32.eqz (i32.load8_u (local.get $i))) (then
          (local.set $j (i32.mul (local.get $i) (local.get $i)))
          (block $out (loop $mark
            (br_if $out (i32.ge_u (local.get $j) (local.get $n)))
            (i32.store8 (local.get $j) (i32.const 1))
            (local.set $j (i32.add (local.get $j) (local.get $i)))
            (br $mark)))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.const 1000))))
      (i32.load8_u (i32.const 997)))`,
  },
  fill: {
    arg: 1_000_000,
    text: `(func (export "run") (param $n i32) (result i32) (local $i i32)
      (loop $next
        (i32.store (local.get $i) (local.get $i))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4)))
          (local.get $n))))
      (local.get $i))`,
  },
}
