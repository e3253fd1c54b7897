"""The private ledger's state transition function: what its users can do and what happens when they do.

A runtime of pallets (`runtime`), trusted calls and getters declared once on top of them (`declare`, `native`),
and the pipeline every call runs through (`executor`). No I/O, no clock, no keys of its own: the enclave drives
it, and clients read the same declarations to compose calls.
"""
