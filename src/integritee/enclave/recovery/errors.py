"""Errors of examination and of the recovery ceremony.

ShardRecoveryError
├── SealRootMissing      sealed state without the secret of the machine that sealed it
├── SealedOtherwise      sealed for code of the same signer, or not, against what was said
├── KeysMissing          a journal without the enclave's keys
├── NoCustodians         the ledger names nobody who could recover a shard
├── NothingToExport      no shard in this data directory
├── ShardPresent         a shard is imported into an empty data directory only
├── NoImport             a share without an import that waits for it
├── BundleError          about a file that holds an exported shard
│   ├── NotABundle           no such file, of another version, or cut off in its header
│   ├── BundleTooLarge       keys and what belongs to the state exceed what an import takes
│   ├── BundleTampered       something differs from what was exported
│   └── ForeignBundle        made for other custodians than this ledger's, or another shard
├── RequestError         about an enclave's request for shares
│   ├── NotARequest          not in the form of one
│   ├── RequestForeign       it is for another bundle
│   ├── RequestOutdated      made too long ago, or in the future
│   └── RequesterRefused     another enclave asks than the custodian accepts
├── ShareError           about a custodian's share
│   ├── NotACustodian        the key has no share in the bundle
│   ├── ShareBroken          the share in the bundle is not what the exporting enclave made
│   ├── ReleaseRefused       not released by this custodian to this request
│   ├── ShareKnown           the custodian's share is here already
│   └── SharesMissing        fewer shares than it takes
└── KeyFileUnusable      a custodian's key file
"""

from __future__ import annotations

from integritee.errors import IntegriteeError


class ShardRecoveryError(IntegriteeError):
    code = "recovery"


class SealRootMissing(ShardRecoveryError):
    code = "recovery.seal_root_missing"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} is gone: without it nobody can open what was sealed")


class SealedOtherwise(ShardRecoveryError):
    """`to_signer`: whether the state is sealed for any code of the same signer, as opposed to what was asked for."""

    code = "recovery.sealed_otherwise"

    def __init__(self, to_signer: bool) -> None:
        self.to_signer = to_signer
        super().__init__(f"the state was sealed {'with' if to_signer else 'without'} --seal-to-signer")


class KeysMissing(ShardRecoveryError):
    code = "recovery.keys_missing"

    def __init__(self) -> None:
        super().__init__("there is a journal, but not the keys of the enclave that wrote it")


class NoCustodians(ShardRecoveryError):
    code = "recovery.no_custodians"

    def __init__(self) -> None:
        super().__init__("the ledger names no custodians, so that nobody can recover its shards")


class NothingToExport(ShardRecoveryError):
    code = "recovery.nothing_to_export"

    def __init__(self) -> None:
        super().__init__("the data directory holds no shard")


class ShardPresent(ShardRecoveryError):
    code = "recovery.shard_present"

    def __init__(self) -> None:
        super().__init__("the data directory holds a shard already")


class NoImport(ShardRecoveryError):
    code = "recovery.no_import"

    def __init__(self) -> None:
        super().__init__("no import is waiting for shares")


class BundleError(ShardRecoveryError):
    code = "recovery.bundle"


class NotABundle(BundleError):
    code = "recovery.not_a_bundle"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not an exported shard: {reason}")


class BundleTooLarge(BundleError):
    """Bytes of all but the state's entries."""

    code = "recovery.bundle_too_large"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"{found} bytes belong to the state, {limit} is the limit")


class BundleTampered(BundleError):
    """`what` names the part that differs from what was exported."""

    code = "recovery.bundle_tampered"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the exported shard was altered: {what}")


class ForeignBundle(BundleError):
    code = "recovery.foreign_bundle"

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(f"the shard was exported for another {what} than this ledger has")


class RequestError(ShardRecoveryError):
    code = "recovery.request"


class NotARequest(RequestError):
    code = "recovery.not_a_request"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"not a request for shares: {reason}")


class RequestForeign(RequestError):
    code = "recovery.request_foreign"

    def __init__(self) -> None:
        super().__init__("the request is for another bundle")


class RequestOutdated(RequestError):
    """Times in unix ms."""

    code = "recovery.request_outdated"

    def __init__(self, made_at: int, now: int) -> None:
        self.made_at, self.now = made_at, now
        super().__init__(f"the request was made at {made_at}, too far from the present {now}")


class RequesterRefused(RequestError):
    """`found` is the measurement of the enclave that asks."""

    code = "recovery.requester_refused"

    def __init__(self, found: bytes, expected: bytes) -> None:
        self.found, self.expected = found, expected
        super().__init__(f"the enclave that asks runs code 0x{found.hex()}, accepted is 0x{expected.hex()}")


class ShareError(ShardRecoveryError):
    code = "recovery.share"


class NotACustodian(ShareError):
    code = "recovery.not_a_custodian"

    def __init__(self, key: bytes) -> None:
        self.key = key
        super().__init__(f"the bundle has no share for the key 0x{key.hex()}")


class ShareBroken(ShareError):
    code = "recovery.share_broken"

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(f"share {index} of the bundle is not what the exporting enclave made")


class ReleaseRefused(ShareError):
    code = "recovery.release_refused"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the share cannot be used: {reason}")


class ShareKnown(ShareError):
    code = "recovery.share_known"

    def __init__(self, index: int) -> None:
        self.index = index
        super().__init__(f"share {index} is here already")


class SharesMissing(ShareError):
    code = "recovery.shares_missing"

    def __init__(self, held: int, threshold: int) -> None:
        self.held, self.threshold = held, threshold
        super().__init__(f"{held} shares are here, it takes {threshold}")


class KeyFileUnusable(ShardRecoveryError):
    code = "recovery.key_file_unusable"

    def __init__(self, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(f"{path}: no custodian's key: {reason}")
