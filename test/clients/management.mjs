/** The management canister as these scenarios use it, for either generation of the libraries. */
export function managementOf({ Actor, IDL, Principal, agent }) {
  const wasm = IDL.Vec(IDL.Nat8)
  const hash = IDL.Record({ hash: wasm })
  const mode = IDL.Variant({
    install: IDL.Null,
    reinstall: IDL.Null,
    upgrade: IDL.Opt(
      IDL.Record({
        skip_pre_upgrade: IDL.Opt(IDL.Bool),
        wasm_memory_persistence: IDL.Opt(IDL.Variant({ keep: IDL.Null, replace: IDL.Null })),
      }),
    ),
  })
  const id = IDL.Record({ canister_id: IDL.Principal })
  const service = () =>
    IDL.Service({
      provisional_create_canister_with_cycles: IDL.Func([IDL.Record({ amount: IDL.Opt(IDL.Nat) })], [id], []),
      install_code: IDL.Func([IDL.Record({ mode, canister_id: IDL.Principal, wasm_module: wasm, arg: wasm })], [], []),
      upload_chunk: IDL.Func([IDL.Record({ canister_id: IDL.Principal, chunk: wasm })], [hash], []),
      install_chunked_code: IDL.Func(
        [
          IDL.Record({
            mode,
            target_canister: IDL.Principal,
            store_canister: IDL.Opt(IDL.Principal),
            chunk_hashes_list: IDL.Vec(hash),
            wasm_module_hash: wasm,
            arg: wasm,
          }),
        ],
        [],
        [],
      ),
    })
  const anywhere = Principal.fromText('ryjl3-tyaaa-aaaaa-aaaba-cai')
  const actorFor = effectiveCanisterId =>
    Actor.createActor(service, {
      agent,
      canisterId: Principal.managementCanister(),
      callTransform: (_method, _args, config) => ({ ...config, effectiveCanisterId }),
    })
  const arg = new Uint8Array(IDL.encode([], []))
  const keep = { upgrade: [{ skip_pre_upgrade: [], wasm_memory_persistence: [{ keep: null }] }] }
  return {
    create: async () => (await actorFor(anywhere).provisional_create_canister_with_cycles({ amount: [] })).canister_id,
    install: (canister_id, wasm_module) =>
      actorFor(canister_id).install_code({ mode: { install: null }, canister_id, wasm_module, arg }),
    upgrade: (canister_id, wasm_module) =>
      actorFor(canister_id).install_code({ mode: keep, canister_id, wasm_module, arg }),
    /** Of what keeps its state in stable memory alone. */
    upgradeClassic: (canister_id, wasm_module) =>
      actorFor(canister_id).install_code({ mode: { upgrade: [] }, canister_id, wasm_module, arg }),
    installInChunks: async (canister, bytes, wasm_module_hash) => {
      const chunk_hashes_list = []
      for (let at = 0; at < bytes.length; at += 1_000_000) {
        chunk_hashes_list.push(
          await actorFor(canister).upload_chunk({ canister_id: canister, chunk: bytes.subarray(at, at + 1_000_000) }),
        )
      }
      await actorFor(canister).install_chunked_code({
        mode: { install: null },
        target_canister: canister,
        store_canister: [],
        chunk_hashes_list,
        wasm_module_hash,
        arg,
      })
    },
  }
}
