"""Apps of the ledger: what a shard can do beyond accounts, notes and assets.

Each app is a package with a class derived from `integritee.stf.declare.App`. Some come with the project; others are
installed beside it and named in the worker's configuration (`catalog`).
"""
