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

/** Traps once it has begun, in the place of an older one. */
export const COUNTER_TRAPPING = COUNTER_UPGRADED.replace(
  'var n : Nat = 0;',
  'var n : Nat = 0; system func postupgrade() { n += 1000; assert false };',
)

/** More than a message can carry: most of it is one text. */
export const LARGE = COUNTER.replace(
  'var n : Nat = 0;',
  `var n : Nat = 0; let text : Text = "${'a'.repeat(2_600_000)}"; public query func size() : async Nat { text.size() };`,
)

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
  public query func look() : async () { var i = 0; loop { i += 1 } };
  public func count() : async Nat { n += 1; n };
}`

/** Keeps assets as the asset canister of the IC does, as far as its stock client asks: in one piece, or chunk by chunk in batches. */
export const ASSETS = `
import Array "mo:core/Array";
import Error "mo:core/Error";
import Map "mo:core/Map";
import Nat "mo:core/Nat";
import Text "mo:core/Text";
import Time "mo:core/Time";
persistent actor {
  type Encoding = { modified : Int; sha256 : ?Blob; length : Nat; content_encoding : Text };
  type Asset = { content_type : Text; var encodings : [(Encoding, [Blob])] };
  type CreateAsset = { key : Text; content_type : Text; headers : ?[(Text, Text)] };
  type SetContent = { key : Text; sha256 : ?Blob; chunk_ids : [Nat]; content_encoding : Text };
  type Unset = { key : Text; content_encoding : Text };
  type Operation = { #CreateAsset : CreateAsset; #SetAssetContent : SetContent; #UnsetAssetContent : Unset; #DeleteAsset : { key : Text }; #Clear : {} };

  let assets = Map.empty<Text, Asset>();
  let chunks = Map.empty<Nat, { batch : Nat; content : Blob }>();
  var last : Nat = 0;

  func assetOf(key : Text) : Asset = switch (Map.get(assets, Text.compare, key)) { case (?found) { found }; case null { { content_type = ""; var encodings = [] } } };
  func create(key : Text, content_type : Text) {
    if (not Map.containsKey(assets, Text.compare, key)) Map.add<Text, Asset>(assets, Text.compare, key, { content_type; var encodings = [] });
  };
  func put(key : Text, content_encoding : Text, sha256 : ?Blob, pieces : [Blob]) {
    let asset = assetOf(key);
    var length = 0;
    for (piece in pieces.vals()) length += piece.size();
    unset(key, content_encoding);
    asset.encodings := Array.concat(asset.encodings, [({ modified = Time.now(); sha256; length; content_encoding }, pieces)]);
    Map.add(assets, Text.compare, key, asset);
  };
  func unset(key : Text, name : Text) {
    let asset = assetOf(key);
    asset.encodings := Array.filter<(Encoding, [Blob])>(asset.encodings, func((one, _)) { one.content_encoding != name });
  };
  func contentOf(key : Text, names : [Text]) : ?(Asset, Encoding, [Blob]) {
    let asset = assetOf(key);
    for (name in names.vals()) for ((encoding, pieces) in asset.encodings.vals()) if (encoding.content_encoding == name) return ?(asset, encoding, pieces);
    null
  };

  public func create_batch({}) : async { batch_id : Nat } { last += 1; { batch_id = last } };
  public func create_chunk({ content : Blob; batch_id : Nat }) : async { chunk_id : Nat } {
    last += 1;
    Map.add(chunks, Nat.compare, last, { batch = batch_id; content });
    { chunk_id = last }
  };
  public func commit_batch({ batch_id : Nat; operations : [Operation] }) : async () {
    for (operation in operations.vals()) switch operation {
      case (#CreateAsset({ key; content_type })) create(key, content_type);
      case (#SetAssetContent({ key; sha256; chunk_ids; content_encoding })) put(key, content_encoding, sha256, Array.map<Nat, Blob>(chunk_ids, func(id) {
        switch (Map.get(chunks, Nat.compare, id)) { case (?{ content }) { content }; case null { assert false; "" } }
      }));
      case (#UnsetAssetContent({ key; content_encoding })) unset(key, content_encoding);
      case (#DeleteAsset({ key })) Map.remove(assets, Text.compare, key);
      case (#Clear(_)) Map.clear(assets);
    };
    for ((id, { batch }) in Array.fromIter(Map.entries(chunks)).vals()) if (batch == batch_id) Map.remove(chunks, Nat.compare, id);
  };
  public func store({ key : Text; content : Blob; sha256 : ?Blob; content_type : Text; content_encoding : Text }) : async () {
    create(key, content_type);
    put(key, content_encoding, sha256, [content]);
  };
  public func delete_asset({ key : Text }) : async () { Map.remove(assets, Text.compare, key) };
  public func clear({}) : async () { Map.clear(assets) };
  public query func list({}) : async [{ key : Text; content_type : Text; encodings : [Encoding] }] {
    Array.map<(Text, Asset), { key : Text; content_type : Text; encodings : [Encoding] }>(Array.fromIter(Map.entries(assets)), func((key, asset)) {
      { key; content_type = asset.content_type; encodings = Array.map<(Encoding, [Blob]), Encoding>(asset.encodings, func((one, _)) { one }) }
    })
  };
  public query func get({ key : Text; accept_encodings : [Text] }) : async { content : Blob; sha256 : ?Blob; content_type : Text; content_encoding : Text; total_length : Nat } {
    let ?(asset, encoding, pieces) = contentOf(key, accept_encodings) else throw Error.reject("asset not found");
    { content = pieces[0]; sha256 = encoding.sha256; content_type = asset.content_type; content_encoding = encoding.content_encoding; total_length = encoding.length }
  };
  public query func get_chunk({ key : Text; sha256 : ?Blob; index : Nat; content_encoding : Text }) : async { content : Blob } {
    let ?(_, encoding, pieces) = contentOf(key, [content_encoding]) else throw Error.reject("asset not found");
    if (encoding.sha256 != sha256) throw Error.reject("the asset has changed");
    { content = pieces[index] }
  };
}`

/**
 * Serves a page that stands in certified data, with a tree that its owner made, as the IC's HTTP gateways want it; `/pieces` comes
 * in three, `/count` is counted by an update, `/echo` tells what was asked.
 */
export const PAGE = `
import Array "mo:core/Array";
import Blob "mo:core/Blob";
import CertifiedData "mo:core/CertifiedData";
import Nat "mo:core/Nat";
import Nat8 "mo:core/Nat8";
import Text "mo:core/Text";
persistent actor Page {
  type Request = { method : Text; url : Text; headers : [(Text, Text)]; body : Blob };
  type Token = { index : Nat; of : { name : Text } };
  type Piece = { body : Blob; token : ?Token };
  type Strategy = { #Callback : { token : Token; callback : shared query Token -> async ?Piece } };
  type Response = { status_code : Nat16; headers : [(Text, Text)]; body : Blob; upgrade : ?Bool; streaming_strategy : ?Strategy };
  var page : { body : Blob; tree : Blob; headers : [(Text, Text)]; more : Text } = { body = ""; tree = ""; headers = []; more = "" };
  var count : Nat = 0;
  func plain(status_code : Nat16, body : Blob) : Response = { status_code; headers = []; body; upgrade = null; streaming_strategy = null };
  public func set({ body : Blob; tree : Blob; root : Blob; headers : [(Text, Text)]; more : Text }) : async () {
    page := { body; tree; headers; more };
    CertifiedData.set(root);
  };
  public query func http_request({ method; url; headers; body; certificate_version } : { method : Text; url : Text; headers : [(Text, Text)]; body : Blob; certificate_version : ?Nat16 }) : async Response {
    if (Text.startsWith(url, #text "/echo")) {
      var text = debug_show (method, url, certificate_version, body.size());
      for ((name, value) in headers.vals()) if (Text.startsWith(name, #text "x-")) text #= " " # name # "=" # value;
      return { plain(200, Text.encodeUtf8(text)) with headers = [("set-cookie", "a=1"), ("Set-Cookie", "b=2"), ("connection", "close"), ("x-own", "kept")] };
    };
    if (Text.startsWith(url, #text "/count")) return { plain(204, "") with upgrade = ?true };
    if (Text.startsWith(url, #text "/trap")) { assert false };
    if (Text.startsWith(url, #text "/split")) return { plain(200, "") with headers = [("x-bad", "a\\r\\nx-injected: b")] };
    if (Text.startsWith(url, #text "/pieces")) {
      return { plain(200, "first ") with streaming_strategy = ?#Callback({ token = { index = 0; of = { name = "second " } }; callback = next }) };
    };
    let ?certificate = CertifiedData.getCertificate() else return plain(500, "");
    let header = "certificate=:" # base64(certificate) # ":, tree=:" # base64(page.tree) # ":" # page.more;
    { plain(200, page.body) with headers = Array.concat([("IC-Certificate", header)], page.headers) }
  };
  public func http_request_update({ body } : Request) : async Response {
    count += body.size();
    plain(201, Text.encodeUtf8(Nat.toText(count)))
  };
  public query func next({ index; of } : Token) : async ?Piece {
    ?{ body = Text.encodeUtf8(of.name); token = if (index == 0) ?{ index = 1; of = { name = "third" } } else null }
  };
  func base64(blob : Blob) : Text {
    let letters = Text.toArray("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    let bytes = Blob.toArray(blob);
    let size = bytes.size();
    func at(index : Nat) : Nat = if (index < size) Nat8.toNat(bytes[index]) else 0;
    var text = "";
    var index = 0;
    while (index < size) {
      let word = at(index) * 65536 + at(index + 1) * 256 + at(index + 2);
      text #= Text.fromChar(letters[word / 262144]) # Text.fromChar(letters[word / 4096 % 64]);
      text #= if (index + 1 < size) Text.fromChar(letters[word / 64 % 64]) else "=";
      text #= if (index + 2 < size) Text.fromChar(letters[word % 64]) else "=";
      index += 3;
    };
    text
  };
}`

/** Fetches pages through the management canister; its transform keeps status and body, and says how many headers there were. */
export const OUTCALLER = `
import Error "mo:core/Error";
persistent actor Self {
  type Header = { name : Text; value : Text };
  type Response = { status : Nat; headers : [Header]; body : Blob };
  type Args = { response : Response; context : Blob };
  type Management = actor {
    http_request : {
      url : Text; max_response_bytes : ?Nat64; method : { #get; #head; #post }; headers : [Header]; body : ?Blob;
      transform : ?{ function : shared query Args -> async Response; context : Blob }; is_replicated : ?Bool
    } -> async Response;
  };
  transient let ic : Management = actor "aaaaa-aa";
  public query func strip({ response; context } : Args) : async Response {
    { response with headers = [{ name = "context"; value = debug_show (context, response.headers.size() > 0) }] }
  };
  public func fetch(url : Text, max : ?Nat64, body : ?Blob) : async { #ok : (Nat, Blob, Text); #err : (Text, Text) } {
    try {
      let got = await ic.http_request({
        url; max_response_bytes = max; method = if (body == null) #get else #post; headers = [{ name = "x-from"; value = "canister" }]; body;
        transform = ?{ function = strip; context = "ctx" }; is_replicated = null
      });
      #ok(got.status, got.body, got.headers[0].value)
    } catch (e) {
      let code = switch (Error.code(e)) {
        case (#system_fatal) "fatal"; case (#system_transient) "transient"; case (#canister_reject) "reject"; case _ "other"
      };
      #err(code, Error.message(e))
    }
  };
}`

/** Certifies what it is told: the part of an identity provider that only a canister can do. */
export const SIGNER = `
import CertifiedData "mo:core/CertifiedData";
persistent actor {
  public func prepare(root : Blob) : async () { CertifiedData.set(root) };
  public query func certificate() : async ?Blob { CertifiedData.getCertificate() };
}`
