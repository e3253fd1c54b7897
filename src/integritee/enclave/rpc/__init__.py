"""The trusted RPC: JSON-RPC 2.0 over a TLS websocket that ends inside the enclave.

Wire contract: integritee-worker `core/direct-rpc-server`, `core/tls-websocket-server`,
`sidechain/rpc-handler`, `core-primitives/rpc`. `jsonrpc`, `methods` and `watch` know no sockets; `websocket`
and `server` are the edge.
"""
