"""What the command line says of parentchains."""

from __future__ import annotations

import pytest

from integritee.boundary.messages import Checkpoint
from integritee.primitives.header import Digest, Header
from integritee.primitives.ids import ParentchainId
from integritee.worker.chain_config import (
    MAX_ENDPOINTS,
    ChainConfig,
    RelayConfig,
    endpoint_urls,
    relay,
    target,
    with_checkpoints,
)
from integritee.worker.errors import InvalidOption

MANY = ",".join(f"ws://n{i}:1" for i in range(MAX_ENDPOINTS))


@pytest.mark.parametrize(
    "text, port, urls",
    [
        ("ws://127.0.0.1", 9944, ("ws://127.0.0.1:9944",)),
        ("ws://127.0.0.1:1", 9944, ("ws://127.0.0.1:1",)),
        ("ws://a, wss://b:443 ,ws://c", 7, ("ws://a:7", "wss://b:443", "ws://c:7")),
        ("wss://node.example/key/abc", 443, ("wss://node.example:443/key/abc",)),
        ("wss://u:p@node.example?x=1", 443, ("wss://u:p@node.example:443?x=1",)),
        ("ws://[::1]", 9944, ("ws://[::1]:9944",)),
        ("ws://a:", 5, ("ws://a:5",)),
        ("ws://a:1,ws://a:1", None, ("ws://a:1",)),
        (MANY, None, tuple(MANY.split(","))),
    ],
)
def test_urls(text: str, port: int | None, urls: tuple[str, ...]) -> None:
    assert endpoint_urls("--url", text, port) == urls


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", "ws://host"),
        ("127.0.0.1", "ws://host"),
        ("http://a:1", "ws://host"),
        ("ws://", "ws://host"),
        ("ws://a:1,", "ws://host"),
        ("ws://a:70000", "0 to 65535"),
        ("ws://a:x", "0 to 65535"),
        ("ws://a", "with a port"),
        (MANY + ",ws://more:1", "at most"),
    ],
)
def test_unusable_urls(text: str, expected: str) -> None:
    with pytest.raises(InvalidOption, match=expected):
        endpoint_urls("--url", text, None)


@pytest.mark.parametrize(
    "url, port, relay_url, para_id, chain",
    [
        (None, None, None, None, None),
        ("ws://a", 1, None, None, ChainConfig(ParentchainId.TargetA, ("ws://a:1",))),
        (
            "ws://a:2",
            None,
            "ws://r:3,ws://s:4",
            2039,
            ChainConfig(ParentchainId.TargetA, ("ws://a:2",), relay=RelayConfig(("ws://r:3", "ws://s:4"), 2039)),
        ),
    ],
)
def test_targets(
    url: str | None, port: int | None, relay_url: str | None, para_id: int | None, chain: ChainConfig | None
) -> None:
    assert target("target-a", url, port, relay_url, para_id) == chain


@pytest.mark.parametrize(
    "url, port, relay_url, para_id, option",
    [
        (None, 9944, None, None, "--target-b-parentchain-rpc-port"),
        (None, None, "ws://r:3", None, "--target-b-relay-url"),
        ("ws://a", None, None, None, "--target-b-parentchain-rpc-url"),
        ("ws://a:1", None, None, 2039, "--target-b-para-id"),
        ("ws://a:1", None, "ws://r", None, "--target-b-relay-url"),
    ],
)
def test_what_belongs_to_no_target(
    url: str | None, port: int | None, relay_url: str | None, para_id: int | None, option: str
) -> None:
    with pytest.raises(InvalidOption, match=option):
        target("target-b", url, port, relay_url, para_id)


CHECKPOINT = Checkpoint(Header(bytes(32), 7, bytes(32), bytes(32), Digest([])), 0, [])


def test_checkpoints_reach_their_chains() -> None:
    chains = (
        ChainConfig(ParentchainId.Integritee, ("ws://a:1",), relay=relay("integritee", "ws://r:1", None)),
        ChainConfig(ParentchainId.TargetB, ("ws://b:1",)),
    )
    found = with_checkpoints(chains, {"integritee-relay": CHECKPOINT, "target-b": CHECKPOINT})
    assert [chain.checkpoint for chain in found] == [None, CHECKPOINT]
    assert found[0].relay == RelayConfig(("ws://r:1",), None, CHECKPOINT)
    assert with_checkpoints(chains, {}) == chains


@pytest.mark.parametrize("name", ["integritee-relay", "target-a", "target-b"])
def test_a_checkpoint_of_a_chain_that_is_not_followed(name: str) -> None:
    chains = (ChainConfig(ParentchainId.Integritee, ("ws://a:1",)),)
    with pytest.raises(InvalidOption, match=name):
        with_checkpoints(chains, {name: CHECKPOINT})
