/** Motoko programs for clients of other makes. */
export const COUNTER = `
persistent actor {
  var n : Nat = 0;
  public func inc() : async Nat { n += 1; n };
  public query func get() : async Nat { n };
  public shared ({ caller }) func who() : async Principal { caller };
  public func boom() : async () { n += 1000; assert false };
  public query func version() : async Nat { 1 };
}`

export const COUNTER_UPGRADED = COUNTER.replace('async Nat { 1 }', 'async Nat { 2 }')

/** More than a message can carry: most of it is one text. */
export const LARGE = COUNTER.replace('var n : Nat = 0;', `var n : Nat = 0; let text : Text = "${'a'.repeat(2_600_000)}"; public query func size() : async Nat { text.size() };`)

export const CERTIFIED = `
import CertifiedData "mo:core/CertifiedData";
import Text "mo:core/Text";
persistent actor {
  var value : Text = "";
  public func set(text : Text) : async () { value := text; CertifiedData.set(Text.encodeUtf8(text)) };
  public query func get() : async { value : Text; certificate : ?Blob } {
    { value; certificate = CertifiedData.getCertificate() }
  };
}`

export const ENDLESS = `
persistent actor {
  var n : Nat = 0;
  public func spin() : async () { loop { n += 1 } };
  public func count() : async Nat { n += 1; n };
}`
