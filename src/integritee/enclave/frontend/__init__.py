"""The trusted RPC's front end: TLS, websockets, JSON-RPC, sessions and deciphering, in a process of its own.

    client ── TLS ──▶ front end ── link ──▶ ledger
                      rpc/, gateway          core, pool, blocks, state
                      deciphering
                          │ ▲
                          ▼ │
                      decipherers

Both are processes of the enclave, and each has a core to itself: while the ledger executes calls, the front end reads
those that come. The state and its key stay with the ledger, which verifies all that comes. The front end has the keys
that clients talk to, from which those of the vault and of the enclave's own calls follow: both are trusted alike.

`gateway` is what the trusted RPC asks; it asks a `ledger_api`: the ledger of the same process (`local`), as in tests
and in the self-test, or that of another one (`remote`), which answers at the other end of the `link` (`served`).
"""
