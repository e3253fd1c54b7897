from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integritee.crypto import Junction, blake2_256, hard_junction, parse_path, parse_secret_uri
from integritee.crypto.derivation import MAX_URI_LENGTH
from integritee.crypto.errors import InvalidSecretUri, KeySourceError


def padded(data: bytes) -> bytes:
    return data.ljust(32, b"\0")


@pytest.mark.parametrize(
    ("path", "chain_code"),
    [
        ("//7", padded(b"\x07")),
        ("//007", padded(b"\x07")),
        ("//+7", padded(b"\x07")),
        ("//18446744073709551615", padded(b"\xff" * 8)),
        ("//18446744073709551616", padded(b"\x50" + b"18446744073709551616")),
        ("//-7", padded(b"\x08-7")),
        ("//Alice", padded(b"\x14Alice")),
        ("//\u0663", padded(b"\x08" + "\u0663".encode())),
        ("//" + "x" * 31, b"\x7c" + b"x" * 31),
        ("//" + "x" * 32, blake2_256(b"\x80" + b"x" * 32)),
        ("//" + "x" * 64, blake2_256(b"\x01\x01" + b"x" * 64)),
    ],
)
def test_chain_code_of_a_path_element(path: str, chain_code: bytes) -> None:
    assert parse_path(path) == (Junction(chain_code, True),)
    assert parse_path(path[1:]) == (Junction(chain_code, False),)


def test_hard_junction_of_long_data_uses_the_four_byte_length() -> None:
    data = b"\x05" * (1 << 14)
    assert hard_junction(data) == blake2_256(b"\x02\x00\x01\x00" + data)


def test_paths_keep_their_order() -> None:
    assert [hard for _, hard in parse_path("//a/b//c")] == [True, False, True]
    assert parse_path("") == ()


@pytest.mark.parametrize("path", ["/", "//", "a", "//a/", "///a", "//a//"])
def test_malformed_paths(path: str) -> None:
    with pytest.raises(InvalidSecretUri):
        parse_path(path)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("", "empty"),
        ("//Alice/", "malformed path"),
        ("////", None),
        ("0x1234", "a hex seed needs 64 digits after 0x"),
        ("0x" + "g" * 64 + "//Alice", "a hex seed needs 64 digits after 0x"),
        ("//" + "a" * MAX_URI_LENGTH, "too long"),
        ("//\ud800", "not valid Unicode"),
    ],
)
def test_refused_uris(uri: str, reason: str | None) -> None:
    if reason is None:
        # "///" opens a password, here "/"; the development phrase stands before it.
        assert parse_secret_uri(uri).path == ()
        return
    with pytest.raises(InvalidSecretUri) as caught:
        parse_secret_uri(uri)
    assert caught.value.reason == reason


def test_the_password_may_contain_anything() -> None:
    plain, locked = parse_secret_uri("//Alice"), parse_secret_uri("//Alice///a//b\nc")
    assert locked.path == plain.path
    assert locked.seed != plain.seed


def test_a_parsed_uri_shows_nothing() -> None:
    assert repr(parse_secret_uri("//Alice")) == "SecretUri()"


@given(st.text(max_size=80))
def test_any_text_gives_a_seed_or_a_typed_error_that_does_not_quote_it(text: str) -> None:
    try:
        assert len(parse_secret_uri(text).seed) == 32
    except KeySourceError as error:
        assert error.__cause__ is None
        assert len(text) < 4 or text not in str(error)
