"""Why a trusted call or getter was refused.

    StfError
    ├── NotACall                 a getter where a call was expected
    ├── InvalidSignature         not signed by the sender (or its delegate) for this enclave and shard
    ├── MissingPrivileges        who signed is not the account, and no session proxy of it
    │   ├── SessionProxyExpired      it was one
    │   ├── RoleTooSmall             its role does not allow this
    │   ├── AllowanceExceeded        its transfer allowance does not cover this
    │   └── NotPublic                only the account itself may ask this
    ├── InvalidNonce             the call's nonce is not the sender's next
    ├── MissingFunds             the sender cannot pay the fee or the amount
    ├── MissingAssets            the sender holds too little of an asset
    ├── RequireEnclaveSigner     only the enclave itself may make this call
    ├── RequireMaintainer        only the maintainer may make this call
    ├── RequireRoot              only the sudo key of a development ledger may make this call
    ├── Filtered                 the shard's mode forbids the call
    ├── NotInProduction          the call is forbidden where real money lives
    ├── WrongShard               the call names another shard
    ├── NoShardVault             the shard has no vault yet
    ├── WrongParentchainForVault the vault lives on another chain
    ├── BridgeDisabled           the shard has a vault, funds do not pass through pallet EnclaveBridge
    ├── AssetNotShieldable       the asset does not exist on the chain that funds come from
    ├── AmountTooLarge           a maintainer's call asks for too much
    ├── TooManyEffects           a call makes too much happen on parentchains
    ├── RelayUnavailable         the enclave cannot reach what a note should be relayed through
    ├── CallCrashed              the code of the call broke: a defect of the ledger or of an app
    ├── InvariantBroken          a law that holds in every state does not hold: a defect
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
    """Whoever signed is not the account, and no session proxy of it."""

    code = "stf.missing_privileges"

    def __init__(self, delegate: bytes, why: str = "the signer is no session proxy of the account") -> None:
        self.delegate = delegate
        super().__init__(why)


class SessionProxyExpired(MissingPrivileges):
    """The session proxy was given until a time that has passed; the account has to add it again."""

    code = "stf.session_proxy_expired"

    def __init__(self, delegate: bytes, expiry: int, now: int) -> None:
        self.expiry, self.now = expiry, now
        super().__init__(delegate, f"the session proxy expired at {expiry}, it is {now} (Unix ms)")


class RoleTooSmall(MissingPrivileges):
    """The session proxy has a role that does not allow this."""

    code = "stf.role_too_small"

    def __init__(self, delegate: bytes, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(delegate, f"the session proxy has the role {found}, needed is {expected}")


class AllowanceExceeded(MissingPrivileges):
    """The transfer, its fee included, is more than what is left of the session proxy's allowance."""

    code = "stf.allowance_exceeded"

    def __init__(self, delegate: bytes, needed: int, remaining: int) -> None:
        self.needed, self.remaining = str(needed), str(remaining)
        super().__init__(delegate, f"{needed} base units would be spent, the allowance has {remaining} left")


class NotPublic(MissingPrivileges):
    """The question is about an account, and only that account may ask it."""

    code = "stf.not_public"

    def __init__(self, account: bytes) -> None:
        super().__init__(account, "only the account itself may ask this, with a signed getter")


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


class MissingAssets(StfError):
    code = "stf.missing_assets"

    def __init__(self, asset: str, needed: int, available: int) -> None:
        self.asset, self.needed, self.available = asset, str(needed), str(available)
        super().__init__(f"{needed} units of {asset} needed, {available} available")


class RequireEnclaveSigner(StfError):
    code = "stf.require_enclave_signer"

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        super().__init__("only the enclave itself may make this call")


class RequireMaintainer(StfError):
    code = "stf.require_maintainer"

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        super().__init__("only the maintainer of the network may make this call")


class RequireRoot(StfError):
    code = "stf.require_root"

    def __init__(self, sender: bytes) -> None:
        self.sender = sender
        super().__init__("only the sudo key of a development ledger may make this call")


class Filtered(StfError):
    code = "stf.filtered"

    def __init__(self, mode: str) -> None:
        self.mode = mode
        super().__init__(f"the call is not allowed while the shard is in mode {mode}")


class NotInProduction(StfError):
    code = "stf.not_in_production"

    def __init__(self, call: str, chain: str) -> None:
        self.call, self.chain = call, chain
        super().__init__(f"{call} is for test networks, {chain} is a production chain")


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
    """The call names a chain that the shard's vault does not live on."""

    code = "stf.wrong_parentchain_for_vault"

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the vault lives on {expected}, not on {found}")


class BridgeDisabled(StfError):
    code = "stf.bridge_disabled"

    def __init__(self) -> None:
        super().__init__("the shard has a vault: funds come and go through it, not through pallet EnclaveBridge")


class AssetNotShieldable(StfError):
    code = "stf.asset_not_shieldable"

    def __init__(self, asset: str, chain: str) -> None:
        self.asset, self.chain = asset, chain
        super().__init__(f"{asset} cannot be shielded from or unshielded to {chain}")


class AmountTooLarge(StfError):
    code = "stf.amount_too_large"

    def __init__(self, found: int, limit: int, unit: str) -> None:
        self.found, self.limit, self.unit = str(found), str(limit), unit
        super().__init__(f"{found} {unit} asked for, {limit} is the limit")


class TooManyEffects(StfError):
    code = "stf.too_many_effects"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"one call may cause {limit} things on parentchains at most")


class RelayUnavailable(StfError):
    code = "stf.relay_unavailable"

    def __init__(self, relay: str) -> None:
        self.relay = relay
        super().__init__(f"no relay of kind {relay} is at hand, and the note may not be kept in the ledger instead")


class CallCrashed(StfError):
    """The code of the call broke on something it did not expect: a defect of the ledger or of an app.

    `error` is the kind of Python's exception. Nothing of the call remains but its fee and nonce.
    """

    code = "stf.call_crashed"

    def __init__(self, call: str, error: str) -> None:
        self.call, self.error = call, error
        super().__init__(f"the code of {call} broke with {error}")


class InvariantBroken(StfError):
    """A law that holds in every state does not hold: a defect of the ledger or of an app."""

    code = "stf.invariant_broken"

    def __init__(self, law: str, found: int, expected: int) -> None:
        self.law, self.found, self.expected = law, str(found), str(expected)
        super().__init__(f"{law}: found {found}, expected {expected}")


class VaultAlreadySet(StfError):
    """The shard has another vault for good."""

    code = "stf.vault_already_set"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the shard's vault cannot change")


class GenesisAlreadySet(StfError):
    """The shard is bound to another parentchain genesis for good."""

    code = "stf.genesis_already_set"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__("the shard is bound to another parentchain genesis")
