/** A canister that manages others, and what came of it. */
export const PARENT = `
import Cycles "mo:core/Cycles";
import Error "mo:core/Error";
import Principal "mo:core/Principal";
import Runtime "mo:core/Runtime";
persistent actor Self {
  type Id = { canister_id : Principal };
  type Settings = { controllers : ?[Principal]; environment_variables : ?[{ name : Text; value : Text }] };
  type Header = { name : Text; value : Text };
  type Response = { status : Nat; headers : [Header]; body : Blob };
  type TransformArgs = { response : Response; context : Blob };
  type Info = { total_num_changes : Nat64; module_hash : ?Blob; controllers : [Principal] };
  type Management = actor {
    create_canister : { settings : ?Settings; sender_canister_version : ?Nat64 } -> async Id;
    install_code : { mode : { #install; #reinstall; #upgrade }; canister_id : Principal; wasm_module : Blob; arg : Blob } -> async ();
    install_chunked_code : { mode : { #install }; target_canister : Principal; store_canister : ?Principal; chunk_hashes_list : [{ hash : Blob }]; wasm_module_hash : Blob; arg : Blob } -> async ();
    upload_chunk : { canister_id : Principal; chunk : Blob } -> async { hash : Blob };
    canister_status : Id -> async { status : { #running; #stopping; #stopped }; cycles : Nat; module_hash : ?Blob };
    canister_info : { canister_id : Principal; num_requested_changes : ?Nat64 } -> async Info;
    update_settings : { canister_id : Principal; settings : Settings } -> async ();
    deposit_cycles : Id -> async ();
    stop_canister : Id -> async ();
    delete_canister : Id -> async ();
    raw_rand : () -> async Blob;
    sign_with_ecdsa : { message_hash : Blob; derivation_path : [Blob]; key_id : { curve : { #secp256k1 }; name : Text } } -> async { signature : Blob };
    http_request : {
      url : Text; max_response_bytes : ?Nat64; method : { #get; #head; #post }; headers : [Header]; body : ?Blob;
      transform : ?{ function : shared query TransformArgs -> async Response; context : Blob };
      is_replicated : ?Bool
    } -> async Response;
  };
  transient let ic : Management = actor "aaaaa-aa";
  type Child = actor { add : Nat -> async Nat; inc : () -> async Nat; take : Nat -> async Nat; env : () -> async ?Text };

  public func raise(wasm : Blob) : async (Principal, Nat) {
    let environment = [{ name = "COLOUR"; value = "green" }];
    let { canister_id } = await (with cycles = 5_000) ic.create_canister({
      settings = ?{ controllers = null; environment_variables = ?environment }; sender_canister_version = null
    });
    await ic.install_code({ mode = #install; canister_id; wasm_module = wasm; arg = "DIDL\\00\\00" });
    let child : Child = actor (Principal.toText(canister_id));
    (canister_id, await child.add(3))
  };
  public func raiseFromStore(store : Principal, wasm : Blob, hash : Blob) : async Nat {
    let one = await ic.upload_chunk({ canister_id = store; chunk = wasm });
    let { canister_id } = await ic.create_canister({ settings = null; sender_canister_version = null });
    await ic.install_chunked_code({
      mode = #install; target_canister = canister_id; store_canister = ?store; chunk_hashes_list = [one]; wasm_module_hash = hash; arg = "DIDL\\00\\00"
    });
    let child : Child = actor (Principal.toText(canister_id));
    await child.add(4)
  };
  public func give(to : Principal, amount : Nat, wanted : Nat) : async (Nat, Nat, Nat) {
    let child : Child = actor (Principal.toText(to));
    let before = Cycles.balance();
    let accepted = await (with cycles = amount) child.take(wanted);
    (accepted, Cycles.refunded(), before - Cycles.balance())
  };
  public func top(to : Principal, amount : Nat) : async (Nat, Nat) {
    let before = Cycles.balance();
    await (with cycles = amount) ic.deposit_cycles({ canister_id = to });
    let spent = before - Cycles.balance();
    ((await ic.canister_status({ canister_id = to })).cycles, spent)
  };
  public func take(wanted : Nat) : async Nat { Cycles.accept<system>(wanted) };
  public func add(n : Nat) : async Nat { n };
  public func env() : async ?Text { Runtime.envVar<system>("COLOUR") };
  public func colourOf(to : Principal) : async ?Text { await (actor (Principal.toText(to)) : Child).env() };
  public func random() : async (Blob, Blob) { (await ic.raw_rand(), await ic.raw_rand()) };
  public func info(of_ : Principal) : async (Nat64, Bool, [Principal]) {
    let found = await ic.canister_info({ canister_id = of_; num_requested_changes = ?5 });
    (found.total_num_changes, found.module_hash != null, found.controllers)
  };
  public func bury(of_ : Principal) : async () {
    await ic.stop_canister({ canister_id = of_ });
    await ic.delete_canister({ canister_id = of_ })
  };
  public func sign() : async Text {
    try {
      ignore await ic.sign_with_ecdsa({ message_hash = "00"; derivation_path = []; key_id = { curve = #secp256k1; name = "k" } });
      "signed"
    } catch (e) { Error.message(e) }
  };
  public query func onlyBody({ response; context } : TransformArgs) : async Response {
    { response with headers = [{ name = "context"; value = debug_show (context) }] }
  };
  public func fetch(url : Text) : async (Nat, Blob, Nat) {
    let got = await (with cycles = 7) ic.http_request({
      url; max_response_bytes = ?10_000; method = #get; headers = []; body = null;
      transform = ?{ function = onlyBody; context = "ctx" }; is_replicated = null
    });
    (got.status, got.body, got.headers.size())
  };
  public func tryFetch(url : Text) : async Text {
    try { let (status, _, _) = await fetch(url); debug_show (status) } catch (e) { Error.message(e) }
  };
}`
