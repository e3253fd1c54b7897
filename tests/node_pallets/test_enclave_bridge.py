from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.frame.errors import DispatchFailure
from integritee.frame.origin import Unsigned
from integritee.frame.weights import Pays, weight
from integritee.primitives.enclave_bridge import Request, ShardConfig, ShardSignerStatus, UpgradableShardConfig

from .small_runtime import ALICE, BOB, CHARLIE, FUNDS, NOBODY, ROOT, SHARD, Chain

OTHER_SHARD = b"\x22" * 32
OTHER_CODE = b"\x33" * 32
HASH, MORE = b"\x44" * 32, b"\x55" * 32
CONFIG = ShardConfig(SHARD, 3, None, False)
UPGRADE = ShardConfig(OTHER_CODE, None, [ALICE], True)
PREFIX = "f03cead655362fe0725d529a9971f1e6"


@pytest.fixture
def served(chain: Chain) -> Chain:
    """Alice's enclave is registered for SHARD."""
    chain.register(ALICE)
    return chain


def status(chain: Chain, shard: bytes = SHARD) -> list[tuple[bytes, bytes, int]]:
    return [
        (s.signer, s.fingerprint, s.last_activity) for s in chain.runtime.enclave_bridge.shard_status.get(shard) or []
    ]


def config(chain: Chain, shard: bytes = SHARD) -> UpgradableShardConfig | None:
    return chain.runtime.enclave_bridge.shard_config_registry.get(shard)


def confirm(chain: Chain, who: bytes, shard: bytes = SHARD) -> list[tuple[Any, ...]]:
    return chain.submit(who, "EnclaveBridge.confirm_processed_parentchain_block", shard, HASH, 7, MORE)


# --- users to enclaves


def test_invoke_says_only_which_shard(chain: Chain) -> None:
    events = chain.submit(NOBODY, "EnclaveBridge.invoke", Request(OTHER_SHARD, b"cypher"))
    assert events == [("EnclaveBridge.IndirectInvocationRegistered", OTHER_SHARD)]


def test_shielded_funds_wait_on_the_shards_account(chain: Chain) -> None:
    events = chain.submit(ALICE, "EnclaveBridge.shield_funds", SHARD, b"for whom", 7_000)
    assert events[-2:] == [
        ("Balances.Transfer", ALICE, SHARD, 7_000),
        ("EnclaveBridge.ShieldFunds", SHARD, b"for whom", 7_000),
    ]
    assert (chain.free(ALICE), chain.free(SHARD)) == (FUNDS - 7_000, 7_000)


def test_shielding_may_end_the_senders_account(chain: Chain) -> None:
    chain.submit(ALICE, "EnclaveBridge.shield_funds", SHARD, b"", FUNDS)
    assert not chain.runtime.system.account.contains(ALICE)


def test_shielding_nothing_moves_nothing(chain: Chain) -> None:
    events = chain.submit(ALICE, "EnclaveBridge.shield_funds", SHARD, b"", 0)
    assert events == [("EnclaveBridge.ShieldFunds", SHARD, b"", 0)]


def test_shielding_more_than_there_is(chain: Chain) -> None:
    assert chain.refusal(ALICE, "EnclaveBridge.shield_funds", SHARD, b"", FUNDS + 1) == "token.funds_unavailable"


# --- the right to speak for a shard


def test_without_configuration_the_shard_names_its_code(served: Chain) -> None:
    events = confirm(served, ALICE)
    assert events == [("EnclaveBridge.ProcessedParentchainBlock", SHARD, HASH, MORE, 7)]
    assert status(served) == [(ALICE, SHARD, 1)]


def test_fields_of_processed_blocks_are_in_the_events_order(served: Chain) -> None:
    confirm(served, ALICE)
    (raw,) = served.runtime.events
    assert raw[5:] == bytes([54, 3]) + SHARD + HASH + MORE + (7).to_bytes(4, "little") + b"\0"


SPEAKING = [
    ("EnclaveBridge.confirm_processed_parentchain_block", (SHARD, HASH, 7, MORE)),
    ("EnclaveBridge.unshield_funds", (SHARD, BOB, 1, HASH)),
    ("EnclaveBridge.update_shard_config", (SHARD, CONFIG, 0)),
]


@pytest.mark.parametrize(("call", "args"), [*SPEAKING, ("EnclaveBridge.publish_hash", (HASH, [], b""))])
def test_only_registered_enclaves_speak(chain: Chain, call: str, args: tuple[Any, ...]) -> None:
    chain.submit(ROOT, "EnclaveBridge.update_shard_config", SHARD, CONFIG, 0)
    assert chain.refusal(ALICE, call, *args) == "teerex.enclave_is_not_registered"


@pytest.mark.parametrize(("call", "args"), SPEAKING)
def test_only_the_right_code_speaks(chain: Chain, call: str, args: tuple[Any, ...]) -> None:
    chain.submit(ROOT, "EnclaveBridge.update_shard_config", SHARD, CONFIG, 0)
    chain.register(ALICE, OTHER_CODE)
    assert chain.refusal(ALICE, call, *args) == "enclave_bridge.wrong_fingerprint_for_shard"
    assert status(chain) == []


def test_a_configuration_lets_other_code_serve(chain: Chain) -> None:
    chain.register(ALICE, OTHER_CODE)
    assert chain.refusal(ALICE, *_confirmation()) == "enclave_bridge.wrong_fingerprint_for_shard"
    chain.submit(ROOT, "EnclaveBridge.update_shard_config", SHARD, ShardConfig(OTHER_CODE), 0)
    confirm(chain, ALICE)
    assert status(chain) == [(ALICE, OTHER_CODE, 1)]


def _confirmation() -> tuple[Any, ...]:
    return "EnclaveBridge.confirm_processed_parentchain_block", SHARD, HASH, 7, MORE


def test_touching_keeps_the_order_of_arrival(served: Chain) -> None:
    served.register(BOB)
    for number, who in ((3, ALICE), (4, BOB), (5, ALICE)):
        served.enter(number)
        confirm(served, who)
    assert status(served) == [(ALICE, SHARD, 5), (BOB, SHARD, 4)]


def test_a_shard_has_ten_enclaves_at_most(chain: Chain) -> None:
    many = [bytes([i]) * 32 for i in range(11)]
    for who in many:
        chain.register(who)
    for who in many[:10]:
        confirm(chain, who)
    assert chain.refusal(many[10], *_confirmation()) == "enclave_bridge.too_many_enclaves"
    chain.enter(2)
    confirm(chain, many[9])
    assert len(status(chain)) == 10


# --- unshielding


def test_unshielding_pays_once_per_call(served: Chain) -> None:
    served.submit(CHARLIE, "EnclaveBridge.shield_funds", SHARD, b"", 9_000)
    first = served.submit(ALICE, "EnclaveBridge.unshield_funds", SHARD, BOB, 5_000, HASH)
    assert first == [
        ("Balances.Transfer", SHARD, BOB, 5_000),
        ("EnclaveBridge.UnshieldedFunds", SHARD, BOB, 5_000),
    ]
    for count in (2, 3):
        assert served.submit(ALICE, "EnclaveBridge.unshield_funds", SHARD, BOB, 5_000, HASH) == []
        assert served.runtime.enclave_bridge.executed_unshield_calls.get(HASH) == count
    assert (served.free(SHARD), served.free(BOB)) == (4_000, FUNDS + 5_000)
    last = served.submit(ALICE, "EnclaveBridge.unshield_funds", SHARD, BOB, 4_000, MORE)
    assert last[0] == ("System.KilledAccount", SHARD)


def test_a_failed_payment_may_be_tried_again(served: Chain) -> None:
    call = ("EnclaveBridge.unshield_funds", SHARD, BOB, 600, HASH)
    assert served.refusal(ALICE, *call) == "token.funds_unavailable"
    assert status(served) == []
    served.submit(CHARLIE, "EnclaveBridge.shield_funds", SHARD, b"", 1_200)
    assert ("EnclaveBridge.UnshieldedFunds", SHARD, BOB, 600) in served.submit(ALICE, *call)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5_000), st.integers(0, 3)), max_size=12))
@settings(max_examples=30, deadline=None)
def test_the_bridge_neither_makes_nor_loses_funds(moves: list[tuple[bool, int, int]]) -> None:
    chain, paid = Chain(), set[int]()
    chain.register(ALICE)
    balance = 0
    for shields, amount, call in moves:
        try:
            if shields:
                chain.submit(BOB, "EnclaveBridge.shield_funds", SHARD, b"", amount)
                balance += amount
            else:
                chain.submit(ALICE, "EnclaveBridge.unshield_funds", SHARD, CHARLIE, amount, bytes([call]) * 32)
                balance -= 0 if call in paid else amount
                paid.add(call)
        except DispatchFailure as failure:
            assert failure.code in {"token.below_minimum", "token.funds_unavailable"}
        burned = balance - chain.free(SHARD)
        assert 0 <= burned < chain.runtime.balances.existential_deposit
        balance = chain.free(SHARD)
    accounts = (info.data.free + info.data.reserved for _, info in chain.runtime.system.account.items())
    assert chain.runtime.balances.total_issuance.get() == sum(accounts)


# --- publishing


def test_published_hashes_are_found_by_topic(served: Chain) -> None:
    served.enter(9)
    events = served.submit(ALICE, "EnclaveBridge.publish_hash", HASH, [MORE], b"\x01\x02")
    assert events == [("EnclaveBridge.PublishedHash", SHARD, HASH, b"\x01\x02")]
    (record,) = served.records()
    assert record.topics == [MORE, SHARD]
    for topic in record.topics:
        assert served.runtime.system.event_topics.get(topic) == [(9, 0)]
    assert status(served, SHARD) == [(ALICE, SHARD, 9)]


def test_a_hash_touches_the_enclaves_own_fingerprint(chain: Chain) -> None:
    chain.register(ALICE, OTHER_CODE)
    chain.submit(ALICE, "EnclaveBridge.publish_hash", HASH, [], b"")
    assert status(chain, OTHER_CODE) == [(ALICE, OTHER_CODE, 1)]


@pytest.mark.parametrize(
    ("topics", "size", "code"),
    [(6, 0, "enclave_bridge.too_many_topics"), (0, 101, "enclave_bridge.data_too_long")],
)
def test_limits_of_published_hashes(served: Chain, topics: int, size: int, code: str) -> None:
    assert served.refusal(ALICE, "EnclaveBridge.publish_hash", HASH, [MORE] * topics, bytes(size)) == code
    assert served.submit(ALICE, "EnclaveBridge.publish_hash", HASH, [MORE] * 5, bytes(100))


def test_weight_of_publishing_counts_as_upstream(chain: Chain) -> None:
    call = chain.call("EnclaveBridge.publish_hash", HASH, [MORE], b"\x01\x02")
    assert chain.runtime.info_of(call).weight == weight(24_040_704 + 23_530 + 2 * 5_070_215, 5, 4)


# --- configuration


def test_any_enclave_may_configure_a_new_shard_at_once(served: Chain) -> None:
    events = served.submit(ALICE, "EnclaveBridge.update_shard_config", OTHER_SHARD, UPGRADE, 100)
    assert events == [("EnclaveBridge.ShardConfigUpdated", OTHER_SHARD)]
    assert config(served, OTHER_SHARD) == UpgradableShardConfig(UPGRADE)
    assert status(served, OTHER_SHARD) == [(ALICE, SHARD, 1)]


def test_later_configurations_are_pending_even_without_delay(served: Chain) -> None:
    for delay in (2, 0):
        served.submit(ALICE, "EnclaveBridge.update_shard_config", SHARD, CONFIG, 0)
        served.submit(ALICE, "EnclaveBridge.update_shard_config", SHARD, UPGRADE, delay)
        assert config(served) == UpgradableShardConfig(CONFIG, UPGRADE, 1 + delay)


def test_root_configures_without_touching(chain: Chain) -> None:
    chain.submit(ROOT, "EnclaveBridge.update_shard_config", SHARD, CONFIG, 0)
    chain.submit(ROOT, "EnclaveBridge.update_shard_config", SHARD, UPGRADE, (1 << 32) - 1)
    assert config(chain) == UpgradableShardConfig(CONFIG, UPGRADE, (1 << 32) - 1)
    assert status(chain) == []


@pytest.mark.parametrize(("block", "due"), [(2, False), (3, True), (4, True)])
def test_an_upgrade_takes_effect_at_the_first_touch_when_due(served: Chain, block: int, due: bool) -> None:
    served.register(BOB, OTHER_CODE)
    served.submit(ALICE, "EnclaveBridge.update_shard_config", SHARD, CONFIG, 0)
    served.submit(ALICE, "EnclaveBridge.update_shard_config", SHARD, UPGRADE, 2)
    served.enter(block)
    speaker, silent = (BOB, ALICE) if due else (ALICE, BOB)
    assert served.refusal(silent, *_confirmation()) == "enclave_bridge.wrong_fingerprint_for_shard"
    assert config(served) == UpgradableShardConfig(CONFIG, UPGRADE, 3)
    confirm(served, speaker)
    assert config(served) == (UpgradableShardConfig(UPGRADE) if due else UpgradableShardConfig(CONFIG, UPGRADE, 3))


def test_a_due_upgrade_decides_who_may_configure(served: Chain) -> None:
    served.register(BOB, OTHER_CODE)
    served.submit(ALICE, "EnclaveBridge.update_shard_config", SHARD, CONFIG, 0)
    served.submit(ALICE, "EnclaveBridge.update_shard_config", SHARD, UPGRADE, 0)
    update = ("EnclaveBridge.update_shard_config", SHARD, CONFIG, 5)
    assert served.refusal(ALICE, *update) == "enclave_bridge.wrong_fingerprint_for_shard"
    served.submit(BOB, *update)
    assert config(served) == UpgradableShardConfig(UPGRADE, CONFIG, 6)


# --- purging


def test_root_strikes_enclaves_off(served: Chain) -> None:
    confirm(served, ALICE)
    purge = ("EnclaveBridge.purge_enclave_from_shard_status", SHARD, ALICE)
    assert served.submit(ROOT, *purge) == [("EnclaveBridge.PurgedEnclaveFromShardConfig", SHARD, ALICE)]
    assert served.post.pays_fee is Pays.No
    assert served.runtime.enclave_bridge.shard_status.get(SHARD) == []
    assert served.submit(ROOT, *purge)  # nothing to strike off any more


def test_purging_an_unknown_shard(chain: Chain) -> None:
    code = chain.refusal(ROOT, "EnclaveBridge.purge_enclave_from_shard_status", SHARD, ALICE)
    assert code == "enclave_bridge.shard_not_found"


@pytest.mark.parametrize(
    ("origin", "call", "args"),
    [
        (ROOT, "EnclaveBridge.invoke", (Request(SHARD, b""),)),
        (ROOT, "EnclaveBridge.shield_funds", (SHARD, b"", 1)),
        (ROOT, *SPEAKING[0]),
        (ROOT, *SPEAKING[1]),
        (Unsigned(), *SPEAKING[2]),
        (ROOT, "EnclaveBridge.publish_hash", (HASH, [], b"")),
        (ALICE, "EnclaveBridge.purge_enclave_from_shard_status", (SHARD, ALICE)),
    ],
)
def test_origins(served: Chain, origin: Any, call: str, args: tuple[Any, ...]) -> None:
    assert served.refusal(origin, call, *args) == "dispatch.bad_origin"


@pytest.mark.parametrize(
    ("item", "hexed"),
    [
        ("shard_status", "6ff6d4e44d83b4c424c31d83115b64ea"),
        ("shard_config_registry", "0193cae837251c796384b09951a5a24e"),
        ("executed_unshield_calls", "969d8bda1757b53d46d9544a4f7b052e"),
    ],
)
def test_storage_keys(chain: Chain, item: str, hexed: str) -> None:
    found = getattr(chain.runtime.enclave_bridge, item)
    assert found.prefix.hex() == PREFIX + hexed
    assert found.key_of(SHARD) == found.prefix + bytes.fromhex("7f9c299f1d9bbe856fbf2c98f0f91435") + SHARD


def test_a_status_entry_is_laid_out_as_on_the_real_chain(served: Chain) -> None:
    confirm(served, ALICE)
    raw = served.runtime.state.get(served.runtime.enclave_bridge.shard_status.key_of(SHARD))
    assert raw == b"\x04" + ALICE + SHARD + b"\1\0\0\0"
    assert served.runtime.enclave_bridge.shard_status.get(SHARD) == [ShardSignerStatus(ALICE, SHARD, 1)]
