"""Errors of provisioning one enclave from another.

    ProvisioningError                provisioning
    ├── MessageError                 provisioning.message
    │   ├── MessageTooLong           provisioning.message_too_long
    │   ├── MessageTruncated         provisioning.message_truncated
    │   ├── MessageMalformed         provisioning.message_malformed
    │   └── MessageUnexpected        provisioning.message_unexpected
    ├── PeerMismatch                 provisioning.peer
    │   ├── VersionMismatch          provisioning.version
    │   ├── GenesisMismatch          provisioning.genesis
    │   ├── ShardMismatch            provisioning.shard
    │   ├── OwnAccount               provisioning.own_account
    │   └── CertificateUnusable      provisioning.certificate
    ├── EvidenceMissing              provisioning.evidence_missing
    ├── SkipRaForbidden              provisioning.skip_ra_forbidden
    ├── NotAdmissible                provisioning.not_admissible
    │   ├── AccountNotListed         provisioning.not_listed
    │   ├── ShardFull                provisioning.shard_full
    │   ├── NotSuperseded            provisioning.not_superseded
    │   ├── SuccessorElsewhere       provisioning.successor_elsewhere
    │   └── HandedOver               provisioning.handed_over
    ├── GrantError                   provisioning.grant
    │   ├── KeyMismatch              provisioning.key_mismatch
    │   └── StateTooLarge            provisioning.state_too_large
    ├── TryAgain                     provisioning.try_again
    │   ├── TooManyClients           provisioning.too_many_clients
    │   ├── TooOften                 provisioning.too_often
    │   ├── PeerStalled              provisioning.stalled
    │   └── ConnectionFailed         provisioning.connection
    ├── Refused                      provisioning.refused
    ├── GaveUp                       provisioning.gave_up
    └── ListenFailed                 provisioning.listen

Evidence that is not accepted is refused with the `AttestationError` that says why, a chunk of state that does not fit
with the `TrieError`. What one side finds wrong with the other it says to it: there it is a Refused with that code.
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class ProvisioningError(IntegriteeError):
    """An enclave was not provisioned from another."""

    code = "provisioning"


class MessageError(ProvisioningError):
    """The peer does not follow the protocol."""

    code = "provisioning.message"


class MessageTooLong(MessageError):
    """A message has more bytes than one may have at this point."""

    code = "provisioning.message_too_long"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"message of {found} bytes, at most {limit} are allowed here")
        self.found = found
        self.limit = limit


class MessageTruncated(MessageError):
    """The connection ended within a message."""

    code = "provisioning.message_truncated"

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"the connection ended after {found} of {expected} bytes")
        self.expected = expected
        self.found = found


class MessageMalformed(MessageError):
    """The bytes of a message are not what its kind says."""

    code = "provisioning.message_malformed"

    def __init__(self, reason: str) -> None:
        super().__init__(f"malformed message: {reason}")
        self.reason = reason


class MessageUnexpected(MessageError):
    """A message of the protocol, but not one that may come now."""

    code = "provisioning.message_unexpected"

    def __init__(self, found: str, state: str) -> None:
        super().__init__(f"{found} may not come in the state {state}")
        self.found = found
        self.state = state


class PeerMismatch(ProvisioningError):
    """The peer belongs to another network, or is not another enclave at all."""

    code = "provisioning.peer"


class VersionMismatch(PeerMismatch):
    """The peer speaks another version of the protocol; there is no falling back to an older one."""

    code = "provisioning.version"

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(f"the peer speaks version {found}, needed is {expected}")
        self.expected = expected
        self.found = found


class GenesisMismatch(PeerMismatch):
    """The peer follows another parentchain."""

    code = "provisioning.genesis"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"the peer's parentchain has genesis 0x{found.hex()}, this one 0x{expected.hex()}")
        self.expected = expected
        self.found = found


class ShardMismatch(PeerMismatch):
    """The peer serves another shard."""

    code = "provisioning.shard"

    def __init__(self, expected: bytes, found: bytes) -> None:
        super().__init__(f"the peer asks for shard 0x{found.hex()}, served is 0x{expected.hex()}")
        self.expected = expected
        self.found = found


class OwnAccount(PeerMismatch):
    """The peer says to have this enclave's own account: it is this enclave, or its words come back as an echo."""

    code = "provisioning.own_account"

    def __init__(self, account: bytes) -> None:
        super().__init__("the peer has the account of this enclave")
        self.account = account


class CertificateUnusable(PeerMismatch):
    """The peer's TLS certificate does not show its key."""

    code = "provisioning.certificate"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the peer's certificate: {reason}")
        self.reason = reason


class EvidenceMissing(ProvisioningError):
    """The peer comes without evidence (`--skip-ra`), and this enclave does not skip it."""

    code = "provisioning.evidence_missing"

    def __init__(self) -> None:
        super().__init__("the peer shows no evidence of what it is")


class SkipRaForbidden(ProvisioningError):
    """Remote attestation is skipped in simulation on a chain for development only."""

    code = "provisioning.skip_ra_forbidden"

    def __init__(self, reason: str) -> None:
        super().__init__(f"remote attestation must not be skipped: {reason}")
        self.reason = reason


class NotAdmissible(ProvisioningError):
    """The peer is a genuine enclave, but the shard has no place for it."""

    code = "provisioning.not_admissible"


class AccountNotListed(NotAdmissible):
    """The shard's configuration lists its validateers, and the account is not among them."""

    code = "provisioning.not_listed"

    def __init__(self, account: bytes) -> None:
        super().__init__(f"the shard's configuration does not list the account 0x{account.hex()}")
        self.account = account


class ShardFull(NotAdmissible):
    """The shard has as many validateers as it may have."""

    code = "provisioning.shard_full"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"the shard has {found} of at most {limit} validateers")
        self.found = found
        self.limit = limit


class NotSuperseded(NotAdmissible):
    """Nobody may take over from an enclave whose code is the one in force."""

    code = "provisioning.not_superseded"

    def __init__(self) -> None:
        super().__init__("the shard has not moved on from this enclave's code")


class SuccessorElsewhere(NotAdmissible):
    """The peer wants to succeed from an address that the operator of this enclave has not allowed."""

    code = "provisioning.successor_elsewhere"

    def __init__(self) -> None:
        super().__init__("no enclave at this address may take over from this one")


class HandedOver(NotAdmissible):
    """The enclave has handed over to another one and gives nothing to anybody else."""

    code = "provisioning.handed_over"

    def __init__(self, successor: bytes) -> None:
        super().__init__(f"this enclave has handed over to 0x{successor.hex()}")
        self.successor = successor


class GrantError(ProvisioningError):
    """What a verified enclave gives cannot be used."""

    code = "provisioning.grant"


class KeyMismatch(GrantError):
    """The shielding key that was given is not the one that the evidence vouches for."""

    code = "provisioning.key_mismatch"

    def __init__(self) -> None:
        super().__init__("the shielding key is not the one the peer is known by")


class StateTooLarge(GrantError):
    """The state has more bytes than this enclave takes."""

    code = "provisioning.state_too_large"

    def __init__(self, found: int, limit: int) -> None:
        super().__init__(f"state of {found} bytes, at most {limit} are taken")
        self.found = found
        self.limit = limit


class TryAgain(ProvisioningError):
    """It did not work this time."""

    code = "provisioning.try_again"


class TooManyClients(TryAgain):
    """The provider serves as many clients as it can."""

    code = "provisioning.too_many_clients"

    def __init__(self, limit: int) -> None:
        super().__init__(f"{limit} clients are being served already")
        self.limit = limit


class TooOften(TryAgain):
    """Clients came more often than the provider wants to look at evidence."""

    code = "provisioning.too_often"

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} clients within a minute")
        self.limit = limit


class PeerStalled(TryAgain):
    """The peer did not do its next step in time."""

    code = "provisioning.stalled"

    def __init__(self, state: str) -> None:
        super().__init__(f"the peer made nothing of its time ({state})")
        self.state = state


class ConnectionFailed(TryAgain):
    """There is no connection, or no longer."""

    code = "provisioning.connection"

    def __init__(self, reason: str) -> None:
        super().__init__(f"no connection: {reason}")
        self.reason = reason


class Refused(ProvisioningError):
    """The peer refused; `reason` is the code of its error, `detail` its words."""

    code = "provisioning.refused"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"the peer refused: {detail} ({reason})")
        self.reason = reason
        self.detail = detail


class GaveUp(ProvisioningError):
    """Attempt after attempt failed without getting further; `reason` is the code of the last error."""

    code = "provisioning.gave_up"

    def __init__(self, attempts: int, reason: str, detail: str) -> None:
        super().__init__(f"gave up after {attempts} attempts: {detail}")
        self.attempts = attempts
        self.reason = reason
        self.detail = detail


class ListenFailed(ProvisioningError):
    """The provisioning port cannot be listened on."""

    code = "provisioning.listen"

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host} port {port}: {reason}")
        self.host = host
        self.port = port
        self.reason = reason
