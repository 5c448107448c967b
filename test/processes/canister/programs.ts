/** Motoko programs of these tests. */
export const COUNTER = `
persistent actor {
  var n : Nat = 0;
  public func inc() : async Nat { n += 1; n };
  public func add(k : Nat) : async Nat { n += k; n };
  public query func get() : async Nat { n };
  public shared ({ caller }) func who() : async Principal { caller };
  public func boom() : async () { n += 1000; assert false };
}`

export const KEY_VALUE = `
import Map "mo:core/Map";
import Text "mo:core/Text";
persistent actor {
  let store = Map.empty<Text, Text>();
  public func put(k : Text, v : Text) : async () { Map.add(store, Text.compare, k, v) };
  public query func get(k : Text) : async ?Text { Map.get(store, Text.compare, k) };
  public query func size() : async Nat { Map.size(store) };
}`

export const CALLER = `
import Principal "mo:core/Principal";
import Error "mo:core/Error";
persistent actor {
  type Counter = actor { inc : () -> async Nat; get : query () -> async Nat; boom : () -> async () };
  var done : Nat = 0;
  func counter(p : Principal) : Counter { actor (Principal.toText(p)) };
  public func twice(p : Principal) : async (Nat, Nat) {
    let c = counter(p);
    let a = await c.inc();
    let b = await c.inc();
    (a, b)
  };
  public func parallel(p : Principal) : async Nat {
    let c = counter(p);
    let one = c.inc(); let two = c.inc();
    (await one) + (await two)
  };
  public func tryBoom(p : Principal) : async Text {
    done += 1;
    try { await counter(p).boom(); "no error" } catch (e) { Error.message(e) }
  };
  public func trapAfterAwait(p : Principal) : async Nat {
    done += 1;
    ignore await counter(p).inc();
    done += 100;
    assert false;
    0
  };
  public func repeat(p : Principal, times : Nat) : async Nat {
    let c = counter(p);
    var last = 0;
    var i = 0;
    while (i < times) { last := await c.inc(); i += 1 };
    last
  };
  public func local() : async Nat {
    let f = func() : async Nat { 21 };
    (await f()) + (await f())
  };
  public query func getDone() : async Nat { done };
  public composite query func peek(p : Principal) : async Nat { await counter(p).get() };
}`

/** Asks another for two seconds, and no longer; `hang` never answers. */
export const PATIENT = `
import Error "mo:core/Error";
import Principal "mo:core/Principal";
persistent actor {
  type Silent = actor { hang : () -> async () };
  public func tick() : async () {};
  public func hang() : async () { loop { await tick() } };
  public func ask(other : Principal) : async Text {
    let silent : Silent = actor (Principal.toText(other));
    try { await (with timeout = 2) silent.hang(); "answered" } catch (e) {
      switch (Error.code(e)) { case (#system_unknown) "unknown"; case _ Error.message(e) }
    }
  };
}`

export const TIMERS = `
import Timer "mo:core/Timer";
persistent actor {
  var ticks : Nat = 0;
  public func start() : async () { ignore Timer.recurringTimer<system>(#seconds 2, func() : async () { ticks += 1 }) };
  public func once() : async () { ignore Timer.setTimer<system>(#seconds 3, func() : async () { ticks += 100 }) };
  public query func get() : async Nat { ticks };
}`

export const HEARTBEAT = `
persistent actor {
  var beats : Nat = 0;
  system func heartbeat() : async () { beats += 1 };
  public query func get() : async Nat { beats };
}`

export const INSPECT = `
import CertifiedData "mo:core/CertifiedData";
import Cycles "mo:core/Cycles";
import Principal "mo:core/Principal";
persistent actor {
  var v : Nat32 = 0;
  system func inspect({ arg : Blob; caller : Principal; msg : { #deny : () -> (); #set : () -> Nat32; #cert : () -> (); #balance : () -> () } }) : Bool {
    ignore arg;
    switch msg { case (#deny _) false; case _ (not Principal.isAnonymous(caller)) }
  };
  public func deny() : async () {};
  public func set(x : Nat32) : async () { v := x; CertifiedData.set("\\00\\01\\02\\03") };
  public query func cert() : async ?Blob { CertifiedData.getCertificate() };
  public func balance() : async Nat { Cycles.balance() };
}`

export const SPIN = `
import Prim "mo:⛔";
persistent actor {
  var keep : [var Nat] = [var];
  var n : Nat = 0;
  public func spin() : async () { loop { n += 1 } };
  public func growAndTrap() : async () { keep := Prim.Array_init<Nat>(4_000_000, 7); n += 1; assert false };
  public func grow() : async Nat { keep := Prim.Array_init<Nat>(4_000_000, 7); keep.size() };
  public query func get() : async Nat { n };
}`
