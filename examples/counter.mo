// A counter for the Internet Computer, in Motoko. Persistent: its total is kept when it is upgraded.
persistent actor {
  var total : Nat = 0;

  public func add(by : Nat) : async Nat {
    total += by;
    total
  };

  public query func get() : async Nat { total };
}
