import Array "mo:core/Array";
import Error "mo:core/Error";
import Nat "mo:core/Nat";
import Principal "mo:core/Principal";

/// The market: a canister. It knows who sells what, and sells the cheapest first.
persistent actor Market {
  type Offer = { good : Text; price : Nat; stall : Principal };
  type Sale = { good : Text; price : Nat; buyer : Text };
  type Stall = actor { deliver : (Sale) -> async Text };

  var offers : [Offer] = [];
  var sold : [Sale] = [];

  /// Whoever calls sells one of these from now on.
  public shared ({ caller }) func offer({ good : Text; price : Nat }) : async Nat {
    offers := Array.concat(offers, [{ good; price; stall = caller }]);
    offers.size()
  };

  public query func open() : async [Offer] { offers };
  public query func sales() : async [Sale] { sold };

  /// Asks the cheapest stall to deliver, and the next one if it cannot: an offer is taken off before its stall is asked.
  public shared ({ caller }) func buy({ good : Text; limit : Nat }) : async { goods : Text; price : Nat } {
    loop {
      let ?best = cheapest(good, limit) else throw Error.reject("nobody sells " # good # " for " # Nat.toText(limit));
      offers := Array.filter<Offer>(offers, func(one) { one != best });
      let stall : Stall = actor (Principal.toText(best.stall));
      try {
        let sale : Sale = { good; price = best.price; buyer = Principal.toText(caller) };
        let goods = await stall.deliver(sale);
        sold := Array.concat(sold, [sale]);
        return { goods; price = best.price };
      } catch (_) {};
    }
  };

  func cheapest(good : Text, limit : Nat) : ?Offer {
    var best : ?Offer = null;
    for (one in offers.vals()) {
      let isBetter = switch best { case null { one.price <= limit }; case (?other) { one.price < other.price } };
      if (one.good == good and isBetter) best := ?one;
    };
    best
  };
}
