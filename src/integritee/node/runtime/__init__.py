"""The development parentchain's runtime: `integritee-solo` in Python, behind the runtime API.

`runtime` composes the pallets and makes the engine, `api` answers the node, `presets` and `genesis` make block 0.
"""
