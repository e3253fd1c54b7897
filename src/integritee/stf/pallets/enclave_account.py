"""pallet EnclaveAccount: the ledger account that signs for the enclave and collects fees, and the sudo key.

Stored as ``Sudo/Enclave_Account_Key`` like in the original, where clients look for it.
"""

from __future__ import annotations

from integritee.frame.declare import storage
from integritee.frame.pallet import Pallet
from integritee.frame.storage_items import StorageValue
from integritee.primitives.ids import AccountId


class EnclaveAccount(Pallet):
    path = "pallet_sudo"
    key: StorageValue[AccountId | None]
    """The sudo key: development ledgers have one."""
    account: StorageValue[AccountId] = storage(name="Enclave_Account_Key")
