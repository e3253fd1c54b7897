"""Whatever people do with assets of target B, fees in assets included: units, holdings and references add up."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import KeyPair
from integritee.frame.outer import RuntimeCall
from integritee.frame.pallets.assets import Consumer, Sufficient
from integritee.node.runtime.target_b import ASSETS, TargetBRuntime
from integritee.primitives.ids import Id

from .chain_kit import ALICE, BOB, CHARLIE, DAVE, Chain
from .test_random_blocks import assert_sound

USDT, COUPON = 1984, 7
"""A sufficient asset of the chain's, and one that people bring into being."""
WETH = next(asset.id for asset in ASSETS if asset.symbol == "WETH")

people = st.sampled_from([ALICE, BOB, CHARLIE, DAVE])
addresses = people.map(lambda pair: Id(pair.public)) | st.integers(1, 2).map(lambda i: Id(bytes([i]) * 32))
assets = st.sampled_from([("Assets", USDT), ("Assets", COUPON), ("ForeignAssets", WETH)])
amounts = st.sampled_from([0, 1, 9_999, 10_000, 10**6, 10**10 - 5_000, 10**10, 10**22])


def of(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[RuntimeCall]:
    """A call of either pallet."""
    return st.builds(lambda asset, *rest: TargetBRuntime.call(asset[0], name, asset[1], *rest), assets, *arguments)


plain = st.one_of(
    of("transfer", addresses, amounts),
    of("transfer_keep_alive", addresses, amounts),
    of("transfer_all", addresses, st.booleans()),
    of("mint", addresses, amounts),
    of("burn", addresses, amounts),
    of("create", addresses, amounts),
    of("force_create", addresses, st.booleans(), amounts),
    of("freeze", addresses),
    of("thaw", addresses),
    of("freeze_asset"),
    of("thaw_asset"),
    st.builds(lambda dest: TargetBRuntime.call("Balances", "transfer_all", dest, False), addresses),
)
calls = plain | st.builds(lambda inner: TargetBRuntime.call("Sudo", "sudo", inner), plain)
payments = st.sampled_from([None, None, USDT, COUPON])
blocks = st.lists(st.tuples(people, calls, payments, st.sampled_from([0, 10**9])), max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=2))
def test_blocks(bodies: list[list[tuple[KeyPair, RuntimeCall, int | None, int]]]) -> None:
    chain = Chain(TargetBRuntime)
    for body in bodies:
        nonces: dict[bytes, int] = {}
        extrinsics = []
        for signer, call, asset, tip in body:
            nonce = nonces.setdefault(signer.public, chain.runtime().system.nonce(signer.public))
            nonces[signer.public] += 1
            extrinsics.append(chain.sign(call, signer, nonce, tip=tip, asset=asset))
        outcomes = chain.make(*extrinsics)
        chain.execute(chain.block())
        assert_sound(chain, outcomes)
        assert_assets_add_up(chain)


def assert_assets_add_up(chain: Chain) -> None:
    runtime = chain.runtime()
    sufficients: Counter[bytes] = Counter()
    consumers: Counter[bytes] = Counter()
    for pallet in (runtime.assets, runtime.foreign_assets):
        holdings = [(repr(id), who, held) for (id, who), held in pallet.account.items()]
        for id, details in pallet.asset.items():
            own = [held for holder, _, held in holdings if holder == repr(id)]
            assert details.supply == sum(held.balance for held in own)
            assert details.accounts == len(own)
            assert details.sufficients == sum(isinstance(held.reason, Sufficient) for held in own)
            assert all(held.balance >= details.min_balance for held in own)
        for _, who, held in holdings:
            sufficients[who] += isinstance(held.reason, Sufficient)
            consumers[who] += isinstance(held.reason, Consumer)
    for who, info in runtime.system.account.items():
        assert info.sufficients == sufficients.pop(who, 0)
        assert info.consumers == consumers.pop(who, 0) + (info.data.reserved > 0)
    assert not +sufficients
    assert not +consumers
