"""Whatever is put into blocks: they execute again to the same roots, and no money appears or gets lost."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from integritee.crypto import KeyPair
from integritee.frame.outer import RuntimeCall
from integritee.primitives.ids import Id
from integritee.scale import Err, Ok

from .chain_kit import ALICE, BOB, CHARLIE, Chain, call

people = st.sampled_from([ALICE, BOB, CHARLIE])
addresses = people.map(lambda pair: Id(pair.public)) | st.integers(1, 4).map(lambda i: Id(bytes([i]) * 32))
amounts = st.sampled_from([0, 1, 499, 500, 10**9, 10**14, 10**15, 10**16])

plain = st.one_of(
    st.builds(lambda dest, value: call("Balances", "transfer_allow_death", dest, value), addresses, amounts),
    st.builds(lambda dest, value: call("Balances", "transfer_keep_alive", dest, value), addresses, amounts),
    st.builds(lambda dest, keep: call("Balances", "transfer_all", dest, keep), addresses, st.booleans()),
    st.builds(lambda value, keep: call("Balances", "burn", value, keep), amounts, st.booleans()),
    st.builds(lambda who, value: call("Balances", "force_set_balance", who, value), addresses, amounts),
    st.builds(lambda size: call("System", "remark_with_event", bytes(size)), st.integers(0, 300)),
)
calls = plain | st.builds(lambda inner: call("Sudo", "sudo", inner), plain)
blocks = st.lists(st.tuples(people, calls, st.sampled_from([0, 7, 10**14])), max_size=6)


@settings(max_examples=25, deadline=None)
@given(st.lists(blocks, min_size=1, max_size=2))
def test_blocks(bodies: list[list[tuple[KeyPair, RuntimeCall, int]]]) -> None:
    chain = Chain()
    for body in bodies:
        nonces: dict[bytes, int] = {}
        extrinsics = []
        for signer, inner, tip in body:
            nonce = nonces.setdefault(signer.public, chain.runtime().system.nonce(signer.public))
            nonces[signer.public] += 1
            extrinsics.append(chain.sign(inner, signer, nonce, tip=tip))
        outcomes = chain.make(*extrinsics)
        chain.execute(chain.block())
        assert_sound(chain, outcomes)


def assert_sound(chain: Chain, outcomes: list[Any]) -> None:
    runtime = chain.runtime()
    held = sum(info.data.free + info.data.reserved for _, info in runtime.system.account.items())
    assert runtime.balances.total_issuance.get() == held
    accepted = [o.value for o in outcomes if isinstance(o, Ok)]
    verdicts = [name for name in chain.names() if name.startswith("System.Extrinsic")][1:]
    assert verdicts == [f"System.Extrinsic{'Failed' if isinstance(o, Err) else 'Success'}" for o in accepted]
    assert runtime.system.event_count.get() == len(chain.events())
