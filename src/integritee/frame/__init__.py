"""Write a Substrate runtime in Python: pallets declared once, composed into a runtime.

Start with `declare` (the vocabulary), `pallet`, `runtime`; `pallets/balances.py` is the example to read. `executive`
makes blocks with a runtime, `extensions` decides who may be in them, `apis` is what a node asks of it, `metadata`
what it tells clients.
"""
