"""Write a Substrate runtime in Python: pallets declared once, composed into a runtime.

Start with `declare` (the vocabulary), `pallet`, `runtime`; `pallets/balances.py` is the example to read.
"""
