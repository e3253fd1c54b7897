"""Why a trusted call or getter was refused.

    StfError
    ├── NotACall              a getter where a call was expected
    ├── InvalidSignature      not signed by the sender (or its delegate) for this enclave and shard
    ├── MissingPrivileges     the delegate may not do this
    ├── InvalidNonce          the call's nonce is not the sender's next
    ├── MissingFunds          the sender cannot pay the fee or the amount
    ├── RequireEnclaveSigner  only the enclave itself may make this call
    ├── Filtered              the shard's mode forbids the call
    ├── WrongShard            the call names another shard
    ├── NoShardVault          the shard has no vault yet
    ├── WrongParentchainForVault
    ├── VaultAlreadySet
    └── GenesisAlreadySet

Pallet errors (`frame.errors.DispatchFailure`) pass through unchanged. Codes are stable.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class StfError(IntegriteeError):
    code = "stf"


class NotACall(StfError):
    code = "stf.not_a_call"

    def __init__(self) -> None:
        super().__init__("only trusted calls are executed; getters are asked through state_executeGetter")


class InvalidSignature(StfError):
    code = "stf.invalid_signature"

    def __init__(self, signer: bytes) -> None:
        self.signer = signer
        super().__init__("the signature is not the signer's for this call, nonce, MRENCLAVE and shard")


class MissingPrivileges(StfError):
    code = "stf.missing_privileges"

    def __init__(self, delegate: bytes) -> None:
        self.delegate = delegate
        super().__init__("the delegate is no session proxy of the account with a role that allows this")


class InvalidNonce(StfError):
    code = "stf.invalid_nonce"

    def __init__(self, found: int, expected: int) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"nonce {found} found, {expected} expected")


class MissingFunds(StfError):
    code = "stf.missing_funds"

    def __init__(self, needed: int, available: int) -> None:
        self.needed, self.available = str(needed), str(available)
        super().__init__(f"{needed} base units needed, {available} available")


class RequireEnclaveSigner(StfError):
    code = "stf.require_enclave_signer"

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        super().__init__("only the enclave itself may make this call")


class Filtered(StfError):
    code = "stf.filtered"

    def __init__(self, mode: str) -> None:
        self.mode = mode
        super().__init__(f"the call is not allowed while the shard is in mode {mode}")


class WrongShard(StfError):
    code = "stf.wrong_shard"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the call names another shard than the one it was sent to")


class NoShardVault(StfError):
    code = "stf.no_shard_vault"

    def __init__(self) -> None:
        super().__init__("the shard has no vault yet")


class WrongParentchainForVault(StfError):
    code = "stf.wrong_parentchain_for_vault"

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the vault lives on {expected}, not on {found}")


class VaultAlreadySet(StfError):
    code = "stf.vault_already_set"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the shard's vault cannot change")


class GenesisAlreadySet(StfError):
    code = "stf.genesis_already_set"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the shard is bound to another parentchain genesis")
