"""Who the peers are and where, by what the parentchain and they themselves say."""

from __future__ import annotations

from typing import Any

import pytest

from integritee.metadata import Variant
from integritee.worker.peers.errors import PeerUnusable
from integritee.worker.peers.registry import Validateer, mu_ra_address, read_validateers, trusted_url, untrusted_url

from .chains import SHARD

A, B, C = (bytes([n]) * 32 for n in (1, 2, 3))
HEAD = b"\x99" * 32


class Chain:
    """Storage at the finalized head."""

    def __init__(self, signers: list[tuple[bytes, int]] | None, urls: dict[bytes, bytes | None]) -> None:
        self.status = None
        if signers is not None:
            self.status = [{"signer": a, "fingerprint": HEAD, "last_activity": at} for a, at in signers]
        self.urls = urls

    async def finalized_head(self) -> bytes:
        return HEAD

    async def storage(self, pallet: str, item: str, *keys: Any, at: bytes | None = None) -> Any:
        assert at == HEAD
        if (pallet, item) == ("EnclaveBridge", "ShardStatus"):
            return self.status if keys == (SHARD,) else None
        assert (pallet, item) == ("Teerex", "SovereignEnclaves")
        return Variant("Sgx", {"url": self.urls[keys[0]]}) if keys[0] in self.urls else None


@pytest.mark.parametrize(
    "chain, expected",
    [
        (Chain(None, {}), []),
        (Chain([], {}), []),
        (
            Chain([(B, 7), (A, 9), (C, 8)], {A: b"wss://a:1", B: b"b:2", C: None}),
            [Validateer(B, "wss://b:2", 7), Validateer(A, "wss://a:1", 9), Validateer(C, None, 8)],
        ),
        (Chain([(A, 1)], {}), [Validateer(A, None, 1)]),
        (Chain([(A, 1)], {A: b""}), [Validateer(A, None, 1)]),
        (Chain([(A, 1)], {A: b"\xff"}), [Validateer(A, None, 1)]),
        (Chain([(A, 1)], {A: b"x" * 257}), [Validateer(A, None, 1)]),
    ],
)
async def test_validateers(chain: Chain, expected: list[Validateer]) -> None:
    assert await read_validateers(chain, SHARD) == expected


@pytest.mark.parametrize(
    "registered, url",
    [("wss://h:1", "wss://h:1"), ("ws://h:1", "wss://h:1"), ("h:1", "wss://h:1"), ("wss://wss://h", "wss://h")],
)
def test_trusted_urls(registered: str, url: str) -> None:
    assert trusted_url(registered) == url


@pytest.mark.parametrize("told", ["ws://h:1", "wss://h"])
def test_untrusted_urls(told: str) -> None:
    assert untrusted_url(told) == told


@pytest.mark.parametrize("told", ["", "h:1", "http://h", "file:///etc", "ws://" + "h" * 300])
def test_unusable_urls(told: str) -> None:
    with pytest.raises(PeerUnusable):
        untrusted_url(told)


@pytest.mark.parametrize(
    "told, address",
    [
        ("h:1", ("h", 1)),
        ("h", ("h", 3443)),
        ("wss://h:1/", ("h", 1)),
        ("[::1]:9", ("::1", 9)),
        ("[::1]", ("::1", 3443)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
    ],
)
def test_mu_ra_addresses(told: str, address: tuple[str, int]) -> None:
    assert mu_ra_address(told) == address


@pytest.mark.parametrize("told", ["", ":1", "h:0", "h:65536", "h:x", "h:-1", "h" * 300])
def test_unusable_addresses(told: str) -> None:
    with pytest.raises(PeerUnusable):
        mu_ra_address(told)
