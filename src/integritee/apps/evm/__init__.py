"""Smart contracts in the ledger: an Ethereum virtual machine whose accounts are ledger accounts.

Read `engine` (one transaction under London rules), `journal` (the state it sees), `pallet` (where state lies in the
ledger and who pays), `app` (what travels on the wire). `interpreter` binds the machine itself, py-evm, and is loaded
with the first call.
"""

from .app import EvmApp

__all__ = ["EvmApp"]
