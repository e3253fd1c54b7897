"""Pallets of the parentchain's runtime: Integritee's own, and those of FRAME that the ledger has no use for."""
