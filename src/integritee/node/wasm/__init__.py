"""Runtimes that are Wasm blobs, run with the host functions of Substrate.

`engine` stands behind the node's seam; `module` compiles and calls; `host` has what runtimes import.
"""
