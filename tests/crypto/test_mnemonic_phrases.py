from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.crypto import (
    DEV_PHRASE,
    entropy_to_mnemonic,
    generate_mnemonic,
    mnemonic_to_entropy,
    mnemonic_to_mini_secret,
)
from integritee.crypto.errors import InvalidMnemonic

ABANDON = "abandon " * 11 + "about"


@pytest.mark.parametrize(
    ("phrase", "password", "secret"),
    [
        (DEV_PHRASE, "", "fac7959dbfe72f052e5a0c3c8d6530f202b02fd8f9f5ca3580ec8deb7797479e"),
        (ABANDON, "Substrate", "44e9d125f037ac1d51f0a7d3649689d422c2af8b1ec8e00d71db4d7bf6d127e3"),
        (
            "legal winner thank year wave sausage worth useful legal winner thank yellow",
            "Substrate",
            "4313249608fe8ac10fd5886c92c4579007272cb77c21551ee5b8d60b78041685",
        ),
    ],
)
def test_mini_secrets_of_substrate_bip39(phrase: str, password: str, secret: str) -> None:
    assert mnemonic_to_mini_secret(phrase, password).hex() == secret


@given(st.sampled_from([16, 20, 24, 28, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n)))
def test_entropy_round_trip(entropy: bytes) -> None:
    phrase = entropy_to_mnemonic(entropy)
    assert len(phrase.split()) == len(entropy) * 3 // 4
    assert mnemonic_to_entropy(phrase) == entropy
    assert mnemonic_to_entropy("  " + phrase.replace(" ", " \n")) == entropy


@pytest.mark.parametrize("words", [12, 15, 18, 21, 24])
def test_generated_phrases_are_valid_and_differ(words: int) -> None:
    first, second = generate_mnemonic(words), generate_mnemonic(words)
    assert len(first.split()) == words
    assert mnemonic_to_entropy(first) != mnemonic_to_entropy(second)


@pytest.mark.parametrize(
    ("phrase", "reason"),
    [
        ("", "word count must be 12, 15, 18, 21 or 24"),
        ("abandon " * 13, "word count must be 12, 15, 18, 21 or 24"),
        (ABANDON.replace("about", "zebraa"), "unknown word"),
        (ABANDON.replace("about", "Ability"), "unknown word"),
        ("abandon " * 12, "checksum mismatch"),
    ],
)
def test_refused_phrases(phrase: str, reason: str) -> None:
    with pytest.raises(InvalidMnemonic) as caught:
        mnemonic_to_mini_secret(phrase)
    assert caught.value.reason == reason
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_refused_sizes_and_passwords() -> None:
    with pytest.raises(InvalidMnemonic, match="word count"):
        generate_mnemonic(13)
    with pytest.raises(InvalidMnemonic, match="entropy"):
        entropy_to_mnemonic(bytes(17))
    with pytest.raises(InvalidMnemonic, match="password is not valid Unicode"):
        mnemonic_to_mini_secret(ABANDON, "\udfff")
