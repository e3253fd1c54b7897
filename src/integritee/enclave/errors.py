"""Errors of the enclave as a whole; its parts have trees of their own.

EnclaveError
├── NotReady             a step was asked for before the one it needs
├── AlreadyInitialised   the enclave is asked to start a second time
├── OtherLedgerLoaded    one process runs or tries out the code of one ledger
├── SealPolicyRefused    state for any code of the signer, but not in development
├── ForeignShard         the sealed state is another shard's
├── OtherSlotDuration    the shard's validateers have slots of another length
├── StateTooOld          a shared state ends before what is known of a parentchain begins
├── HandedOver           another enclave has this one's identity now
├── VaultElsewhere       the shard's vault is on another parentchain than asked for
├── FollowedAlready      one chain is introduced as two parentchains
├── ForeignGenesis       the parentchain is not the one this shard is bound to
├── MetadataChanged      other metadata for a spec version than was pinned on first contact
├── SpecVersionUnproven  the node's spec version is not the one proven on chain
├── InboxFull            too many parentchain blocks wait for the sidechain
├── VaultShort           the vault does not hold what the ledger has issued
├── TooManyValidateers   more of them wait to act for the vault than a shard has
├── StateRolledBack      sealed state is older than what the parentchain confirmed
├── UnknownShard         a request names a shard this enclave does not serve
├── Undecipherable       a request is not encrypted to the shielding key
├── DecipheringInterrupted  a process of the enclave ended while it deciphered
└── InvalidTop           what was deciphered is no trusted operation
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class EnclaveError(IntegriteeError):
    code = "enclave"


class NotReady(EnclaveError):
    code = "enclave.not_ready"

    def __init__(self, needed: str) -> None:
        self.needed = needed
        super().__init__(f"not before {needed}")


class AlreadyInitialised(EnclaveError):
    code = "enclave.already_initialised"

    def __init__(self) -> None:
        super().__init__("the enclave is initialised already")


class OtherLedgerLoaded(EnclaveError):
    """Code of another ledger was loaded into this process, if only to try it out; start a process of its own."""

    code = "enclave.other_ledger_loaded"

    def __init__(self) -> None:
        super().__init__("the apps of another ledger were loaded into this process")


class SealPolicyRefused(EnclaveError):
    """State may be sealed for any code of the same signer in development only, and never by hardware."""

    code = "enclave.seal_policy_refused"

    def __init__(self, tee: str, development: bool) -> None:
        self.tee, self.development = tee, development
        super().__init__("only development ledgers in a simulated TEE seal their state for any code of the signer")


class ForeignShard(EnclaveError):
    code = "enclave.foreign_shard"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the sealed state is another shard's: use its data directory or --clean-reset")


class OtherSlotDuration(EnclaveError):
    """All validateers of a shard have the same slots, or they would not take turns. In ms."""

    code = "enclave.other_slot_duration"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"slots of this worker last {found} ms, those of the shard {expected} ms: set --slot-ms")


class StateTooOld(EnclaveError):
    """Blocks of a parentchain would be missed with this state. A moment later there is one that will do, unless the
    light client was told to begin later than the state: then the chain has to be met before the state is had."""

    code = "enclave.state_too_old"

    def __init__(self, parentchain: str, found: int, expected: int) -> None:
        self.parentchain, self.found, self.expected = parentchain, found, expected
        super().__init__(f"the state has taken in {parentchain} up to block {found}, block {expected} is needed")


class HandedOver(EnclaveError):
    """The enclave gave its identity to the code that the shard moved on to, and does nothing more in its name."""

    code = "enclave.handed_over"

    def __init__(self, successor: bytes) -> None:
        self.successor = successor
        super().__init__(f"this enclave's identity was handed over to 0x{successor.hex()}")


class VaultElsewhere(EnclaveError):
    """A shard keeps the shielding target it began with: funds are there."""

    code = "enclave.vault_elsewhere"

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the shard's vault is on {expected}, and {found} is asked for: a vault does not move")


class FollowedAlready(EnclaveError):
    """One account cannot have two queues of extrinsics on one chain."""

    code = "enclave.chain_followed_already"

    def __init__(self, found: str, known: str) -> None:
        self.found, self.known = found, known
        super().__init__(f"the chain introduced as {found} is followed as {known} already")


class ForeignGenesis(EnclaveError):
    code = "enclave.foreign_genesis"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the connected parentchain has another genesis than the one this shard is bound to")


class MetadataChanged(EnclaveError):
    code = "enclave.metadata_changed"

    def __init__(self, spec_version: int) -> None:
        self.spec_version = spec_version
        super().__init__(f"the node's metadata for spec version {spec_version} is not what it was at first contact")


class SpecVersionUnproven(EnclaveError):
    code = "enclave.spec_version_unproven"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the node states spec version {found}, but {expected} is proven on chain")


class InboxFull(EnclaveError):
    code = "enclave.inbox_full"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} parentchain blocks already wait for the sidechain")


class VaultShort(EnclaveError):
    """The host lied about what events mean, or the vault was emptied behind the enclave's back.

    Nothing is credited, and no more blocks are produced.
    """

    code = "enclave.vault_short"

    def __init__(self, asset: str, found: int, expected: int) -> None:
        self.asset, self.found, self.expected = asset, found, expected
        super().__init__(f"the vault holds {found} base units ({asset}), the ledger has issued and owes {expected}")


class TooManyValidateers(EnclaveError):
    code = "enclave.too_many_validateers"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"{found} validateers wait to become proxies of the vault, {limit} is the limit")


class StateRolledBack(EnclaveError):
    code = "enclave.state_rolled_back"

    def __init__(self, found: int, confirmed: int) -> None:
        self.found, self.confirmed = found, confirmed
        super().__init__(f"sealed state ends at block {found}, but the parentchain confirmed block {confirmed}")


class UnknownShard(EnclaveError):
    code = "pool.invalid_shard"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("Shard does not exist")


class Undecipherable(EnclaveError):
    code = "shielding.undecipherable"

    def __init__(self) -> None:
        super().__init__("Trusted operation could not be deciphered")


class DecipheringInterrupted(EnclaveError):
    """What was submitted was not looked at; it can be submitted again."""

    code = "shielding.interrupted"

    def __init__(self) -> None:
        super().__init__("deciphering was interrupted")


class InvalidTop(EnclaveError):
    code = "top.invalid_format"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__("Trusted operation has invalid format")
