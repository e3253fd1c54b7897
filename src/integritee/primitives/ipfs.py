"""What can be wrong with content that is kept on IPFS: the errors of everybody who has to do with it.

IpfsError                 ipfs
├── InvalidCid            ipfs.invalid_cid
├── CidMismatch           ipfs.cid_mismatch
├── ContentUnreadable     ipfs.unreadable
├── ContentTooLong        ipfs.too_long
├── RelayBusy             ipfs.busy
└── DaemonError           what its daemon says, or that it says nothing
    ├── IpfsUnavailable   ipfs.unavailable
    ├── IpfsTimeout       ipfs.timeout
    ├── IpfsFull          ipfs.full
    ├── ContentNotFound   ipfs.not_found
    └── IpfsRefused       ipfs.refused
"""

from __future__ import annotations

from typing import Final

from integritee.errors import IntegriteeError

MAX_CID_LENGTH: Final = 64
"""Characters of any content identifier that is read; one of version 1 has 59."""

MAX_NOTE_BYTES: Final = 1 << 20
"""Bytes of a note, as UTF-8, that is relayed through IPFS."""

MAX_CONTENT_BYTES: Final = MAX_NOTE_BYTES + 8192
"""Bytes of content that enclaves write or read: the longest note as it is sealed (`stf.relayed_content`)."""

READ_METHOD: Final = "notes_readContent"
"""Of the trusted RPC: an enclave hands out content, as it is stored."""

MAX_DETAIL: Final = 256
"""Characters of what a daemon says that are passed on."""


class IpfsError(IntegriteeError):
    code = "ipfs"


class InvalidCid(IpfsError):
    """A text is no content identifier of a file: of SHA-256, in version 0, or in version 1 and base32."""

    code = "ipfs.invalid_cid"

    def __init__(self, found: str) -> None:
        self.found = found[:MAX_CID_LENGTH]
        super().__init__(f"no content identifier: {self.found!r}")


class CidMismatch(IpfsError):
    """Content is not what its identifier stands for: a daemon stored, or returned, something else than asked for."""

    code = "ipfs.cid_mismatch"

    def __init__(self, found: str, expected: str) -> None:
        self.found, self.expected = found[:MAX_CID_LENGTH], expected
        super().__init__(f"the content is {self.found}, not {expected}")


class ContentUnreadable(IpfsError):
    """Content of a note cannot be opened: it was sealed with another key, or is no note."""

    code = "ipfs.unreadable"

    def __init__(self) -> None:
        super().__init__("the content was sealed with another key, or is no note")


class ContentTooLong(IpfsError):
    """A note, or what is asked for, has more bytes than are relayed."""

    code = "ipfs.too_long"

    def __init__(self, found: int, limit: int) -> None:
        self.found, self.limit = found, limit
        super().__init__(f"{found} bytes, at most {limit} are relayed")


class RelayBusy(IpfsError):
    """So much is being written or read already; `scope` says for whom: a sender, or all together."""

    code = "ipfs.busy"

    def __init__(self, scope: str, limit: int) -> None:
        self.scope, self.limit = scope, limit
        super().__init__(f"{limit} at a time for {scope}: try again once they are through")


class DaemonError(IpfsError):
    """Why content is not on IPFS, or does not come from there. `detail` is for people, and maybe a stranger's."""

    code = "ipfs.daemon"
    summary = "the IPFS daemon failed"

    def __init__(self, detail: str) -> None:
        self.detail = detail[:MAX_DETAIL]
        super().__init__(f"{self.summary}: {self.detail}")


class IpfsUnavailable(DaemonError):
    """The worker has no IPFS daemon, or cannot reach it."""

    code = "ipfs.unavailable"
    summary = "there is no IPFS daemon at hand"


class IpfsTimeout(DaemonError):
    """The daemon did not answer in time. A note may be stored there nevertheless; the call has not happened."""

    code = "ipfs.timeout"
    summary = "the IPFS daemon took too long"


class IpfsFull(DaemonError):
    """The daemon has no room for the content."""

    code = "ipfs.full"
    summary = "the IPFS daemon is full"


class ContentNotFound(DaemonError):
    """The daemon does not have the content, and finds nobody who does."""

    code = "ipfs.not_found"
    summary = "the content is not to be found"


class IpfsRefused(DaemonError):
    """The daemon said no, or what cannot be understood."""

    code = "ipfs.refused"
    summary = "the IPFS daemon refused"


DAEMON_ERRORS: Final[dict[str, type[DaemonError]]] = {
    kind.code: kind for kind in (IpfsUnavailable, IpfsTimeout, IpfsFull, ContentNotFound, IpfsRefused)
}


def daemon_error(code: str, detail: str) -> DaemonError:
    """An error as it was told: by its code and its detail. One that nobody knows is a refusal."""
    return DAEMON_ERRORS.get(code, IpfsRefused)(detail)
