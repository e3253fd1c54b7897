from __future__ import annotations

from typing import Any

import pytest

from integritee.frame.origin import Unsigned
from integritee.node.pallets.teeracle import ExchangeRate

from .small_runtime import ALICE, NOBODY, ROOT, SHARD, Chain

SOURCE, PAIR, NAME = b"coingecko", b"TEER/USD", b"weather"
RATE = ExchangeRate(3 << 31)
"""1.5"""


@pytest.fixture
def oracle(chain: Chain) -> Chain:
    """Alice's enclave is registered and whitelisted for SOURCE."""
    chain.register(ALICE)
    chain.submit(ROOT, "Teeracle.add_to_whitelist", SOURCE, SHARD)
    return chain


def test_the_whitelist_is_roots(chain: Chain) -> None:
    added = chain.submit(ROOT, "Teeracle.add_to_whitelist", SOURCE, SHARD)
    assert added == [("Teeracle.AddedToWhitelist", SOURCE, SHARD)]
    assert chain.runtime.teeracle.whitelists.get(SOURCE) == [SHARD]
    removed = chain.submit(ROOT, "Teeracle.remove_from_whitelist", SOURCE, SHARD)
    assert removed == [("Teeracle.RemovedFromWhitelist", SOURCE, SHARD)]
    assert chain.runtime.teeracle.whitelists.get(SOURCE) == []


def test_limits_of_the_whitelist(chain: Chain) -> None:
    for i in range(10):
        chain.submit(ROOT, "Teeracle.add_to_whitelist", SOURCE, bytes([i]) * 32)
    refused = [
        (("Teeracle.add_to_whitelist", SOURCE, bytes(32)), "fingerprint_already_whitelisted"),
        (("Teeracle.add_to_whitelist", SOURCE, SHARD), "fingerprint_whitelist_overflow"),
        (("Teeracle.add_to_whitelist", bytes(41), SHARD), "data_source_string_too_long"),
        (("Teeracle.remove_from_whitelist", SOURCE, SHARD), "fingerprint_not_whitelisted"),
    ]
    for call, code in refused:
        assert chain.refusal(ROOT, *call) == f"teeracle.{code}"
    assert chain.submit(ROOT, "Teeracle.add_to_whitelist", bytes(40), SHARD)


def test_a_rate_is_kept_by_pair_and_source(oracle: Chain) -> None:
    events = oracle.submit(ALICE, "Teeracle.update_exchange_rate", SOURCE, PAIR, RATE)
    assert events == [("Teeracle.ExchangeRateUpdated", SOURCE, PAIR, RATE)]
    rates = oracle.runtime.teeracle.exchange_rates
    assert rates.get(PAIR, SOURCE) == RATE
    assert rates.get(SOURCE, PAIR) == ExchangeRate(0)
    prefix = "4d6cbe0fe3ebf4d89b66d88d312a0019" + "c632a26a2c9a753e98b73ea912bd735d"
    assert rates.key_of(PAIR, SOURCE).hex().startswith(prefix)
    assert oracle.runtime.state.get(rates.key_of(PAIR, SOURCE)) == bytes.fromhex("0000008001000000")


@pytest.mark.parametrize("nothing", [None, ExchangeRate(0)])
def test_no_rate_deletes(oracle: Chain, nothing: ExchangeRate | None) -> None:
    oracle.submit(ALICE, "Teeracle.update_exchange_rate", SOURCE, PAIR, RATE)
    events = oracle.submit(ALICE, "Teeracle.update_exchange_rate", SOURCE, PAIR, nothing)
    assert events == [("Teeracle.ExchangeRateDeleted", SOURCE, PAIR)]
    assert not oracle.runtime.teeracle.exchange_rates.contains(PAIR, SOURCE)


def test_data_of_any_form(oracle: Chain) -> None:
    events = oracle.submit(ALICE, "Teeracle.update_oracle", NAME, SOURCE, bytes(4096))
    assert events == [("Teeracle.OracleUpdated", NAME, SOURCE)]
    assert oracle.runtime.teeracle.oracle_data.get(NAME, SOURCE) == bytes(4096)


@pytest.mark.parametrize(
    ("call", "args", "code"),
    [
        ("Teeracle.update_exchange_rate", (SOURCE, bytes(12), RATE), "teeracle.trading_pair_string_too_long"),
        ("Teeracle.update_exchange_rate", (b"other", PAIR, RATE), "teeracle.fingerprint_not_whitelisted"),
        ("Teeracle.update_oracle", (bytes(41), SOURCE, b""), "teeracle.oracle_data_name_string_too_long"),
        ("Teeracle.update_oracle", (NAME, b"other", b""), "teeracle.fingerprint_not_whitelisted"),
    ],
)
def test_refused_reports(oracle: Chain, call: str, args: tuple[Any, ...], code: str) -> None:
    assert oracle.refusal(ALICE, call, *args) == code
    assert oracle.refusal(NOBODY, call, *args) == "teerex.enclave_is_not_registered"


def test_a_runtime_may_want_smaller_data(oracle: Chain) -> None:
    oracle.runtime.teeracle.max_oracle_blob_len = 8
    code = oracle.refusal(ALICE, "Teeracle.update_oracle", NAME, SOURCE, bytes(9))
    assert code == "teeracle.oracle_blob_too_big"


@pytest.mark.parametrize(
    ("origin", "call", "args"),
    [
        (ALICE, "Teeracle.add_to_whitelist", (SOURCE, SHARD)),
        (Unsigned(), "Teeracle.remove_from_whitelist", (SOURCE, SHARD)),
        (ROOT, "Teeracle.update_oracle", (NAME, SOURCE, b"")),
        (ROOT, "Teeracle.update_exchange_rate", (SOURCE, PAIR, None)),
    ],
)
def test_origins(oracle: Chain, origin: Any, call: str, args: tuple[Any, ...]) -> None:
    assert oracle.refusal(origin, call, *args) == "dispatch.bad_origin"


@pytest.mark.parametrize(
    ("item", "hexed"),
    [("oracle_data", "336b0aa3539ab1c69d8054aae1f71a6c"), ("whitelists", "dec0685d4408b2208918a77ec5e63bdc")],
)
def test_storage_keys(chain: Chain, item: str, hexed: str) -> None:
    assert getattr(chain.runtime.teeracle, item).prefix.hex() == "4d6cbe0fe3ebf4d89b66d88d312a0019" + hexed
