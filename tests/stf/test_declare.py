"""Apps: calls and getters declared as methods, and what derives from them."""

from __future__ import annotations

import pytest

from integritee.primitives.ids import AccountId, Balance
from integritee.scale import decode, u32
from integritee.stf.declare import App, Authority, Context, declared, public_getter, trusted_call, trusted_getter
from integritee.stf.fees import transaction_fee
from integritee.stf.ledger import IndexClash, Ledger
from integritee.stf.native import NativeToken
from integritee.stf.operation import Public, Trusted, TrustedCall

from .kit import ALICE, FEE, NOW, ONE, SHARD, Bench


class Greeter(App):
    """Says hello."""

    name = "greeter"

    @trusted_call(200, fee=transaction_fee)
    def greet(self, ctx: Context, sender: AccountId, whom: AccountId, times: u32) -> None:
        """Greet somebody."""
        for _ in range(times):
            self.runtime.balances.mint(whom, len(ctx.shard) * ctx.now)

    @trusted_getter(200)
    def greetings(self, who: AccountId, bonus: u32) -> Balance:
        """How rich greetings made one."""
        return self.runtime.balances.free(who) + bonus

    @public_getter(200)
    def answer(self) -> u32:
        """Not 42."""
        return 43


class Rude(App):
    name = "rude"

    @trusted_call(2)
    def shove(self, ctx: Context, sender: AccountId) -> None:
        """Take the transfer's place."""


LEDGER = Ledger((NativeToken, Greeter))


def test_what_derives_from_a_declaration() -> None:
    (call,) = declared(Greeter, "trusted_call")
    assert (call.index, call.name, call.docs, call.authority) == (200, "greet", "Greet somebody.", Authority.ANYONE)
    assert [(a.name, a.hint) for a in call.arguments] == [("sender", AccountId), ("whom", AccountId), ("times", u32)]
    (getter,) = declared(Greeter, "trusted_getter")
    assert [a.name for a in getter.arguments] == ["who", "bonus"]
    assert getter.returns == Balance
    assert [g.index for g in declared(Greeter, "public_getter")] == [200]
    assert LEDGER.owners[call] is Greeter


def test_wire_form() -> None:
    call = LEDGER.call("greet", ALICE.public, b"\x05" * 32, 7)
    raw = LEDGER.codec(TrustedCall).encode(call)
    assert raw == b"\xc8" + ALICE.public + b"\x05" * 32 + b"\x07\0\0\0"
    assert LEDGER.codec(TrustedCall).decode(raw) == call


def test_running() -> None:
    bench = Bench({ALICE: ONE}, LEDGER)
    assert bench.run(ALICE, "greet", b"\x05" * 32, 2).error is None
    assert bench.free(ALICE) == ONE - FEE
    assert bench.free(b"\x05" * 32) == 2 * len(SHARD) * 1_700_000_000_000
    asked = Trusted(LEDGER.sign_getter(LEDGER.trusted_getter("greetings", ALICE.public, 3), ALICE))
    assert decode(Balance, bench.executor.query(asked, NOW) or b"") == ONE - FEE + 3
    assert bench.executor.query(Public(LEDGER.public_getter("answer")), NOW) == b"\x2b\0\0\0"


def test_indexes_do_not_clash() -> None:
    with pytest.raises(IndexClash) as caught:
        Ledger((NativeToken, Rude))
    assert caught.value.data() == {
        "kind": "trusted_call",
        "index": 2,
        "first": "NativeToken",
        "second": "Rude",
    }
