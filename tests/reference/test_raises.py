"""Errors read from the source of calls and getters."""

from __future__ import annotations

from typing import ClassVar

import pytest

from integritee.errors import IntegriteeError
from integritee.frame.declare import Errors, error
from integritee.frame.errors import DispatchFailure, TokenError, overflow, token_failure
from integritee.frame.pallet import Pallet
from integritee.frame.pallets.balances import Balances
from integritee.frame.runtime import use
from integritee.reference.raises import codes_raised
from integritee.stf.declare import App
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.runtime import LedgerRuntime


class Burnt(IntegriteeError):
    code = "kitchen.burnt"


class Raw(IntegriteeError):
    code = "kitchen.raw"


class WasteBin(Pallet):
    balances: Balances

    class Error(Errors):
        Full = error("no room")

    def fill(self) -> None:
        raise self.Error.Full()


class Oven:
    def heat(self) -> None:
        raise Burnt


def taste(done: bool) -> Oven:
    if not done:
        raise Raw
    return Oven()


class Kitchen(App):
    """Each method raises in another way."""

    name: ClassVar[str] = "kitchen"
    index: ClassVar[int | None] = 201
    pallets: ClassVar[dict[str, Pallet]] = {"waste_bin": use(201, WasteBin)}

    oven: Oven

    def nothing(self) -> int:
        return 1

    def at_once(self) -> None:
        raise Burnt()

    def by_class_alone(self) -> None:
        raise Burnt

    def through_a_method(self) -> None:
        self.at_once()

    def through_a_function(self) -> None:
        taste(True)

    def through_what_a_function_returns(self) -> None:
        taste(True).heat()

    def through_a_local(self) -> None:
        oven = taste(True)
        oven.heat()

    def through_an_attribute(self) -> None:
        self.oven.heat()

    @property
    def dish(self) -> Oven:
        raise Raw

    def through_a_property(self) -> Oven:
        return self.dish

    def through_a_parameter(self, runtime: LedgerRuntime) -> None:
        runtime.session_proxy.remove_proxy(bytes(32), bytes(32))

    def through_a_pallet(self) -> None:
        self.runtime.pallet(WasteBin).fill()

    def through_a_pallet_by_name(self) -> None:
        self.runtime.waste_bin.fill()  # type: ignore[attr-defined]

    def of_frame(self) -> None:
        if self.oven:
            raise overflow()
        raise token_failure(TokenError.Frozen)

    def made_before(self) -> None:
        failure = Burnt()
        raise failure

    def caught(self) -> None:
        try:
            taste(False)
        except Raw:
            self.nothing()

    def caught_among_others(self) -> None:
        try:
            self.oven.heat()
            taste(False)
        except (Raw, DispatchFailure):
            pass

    def raised_while_handling(self) -> None:
        try:
            taste(False)
        except IntegriteeError:
            raise Burnt from None

    def in_circles(self) -> None:
        self.in_circles()
        raise Burnt


RUNTIME = Ledger((*NATIVE_APPS, Kitchen)).runtime

RAISED = {
    "nothing": [],
    "at_once": ["kitchen.burnt"],
    "by_class_alone": ["kitchen.burnt"],
    "through_a_method": ["kitchen.burnt"],
    "through_a_function": ["kitchen.raw"],
    "through_what_a_function_returns": ["kitchen.burnt", "kitchen.raw"],
    "through_a_local": ["kitchen.burnt", "kitchen.raw"],
    "through_an_attribute": ["kitchen.burnt"],
    "through_a_property": ["kitchen.raw"],
    "through_a_pallet": ["waste_bin.full"],
    "through_a_pallet_by_name": ["waste_bin.full"],
    "of_frame": ["arithmetic.overflow", "token.frozen"],
    "made_before": ["kitchen.burnt"],
    "caught": [],
    "caught_among_others": ["kitchen.burnt"],
    "raised_while_handling": ["kitchen.burnt"],
    "in_circles": ["kitchen.burnt"],
}


@pytest.mark.parametrize(("method", "codes"), RAISED.items())
def test_codes(method: str, codes: list[str]) -> None:
    assert codes_raised(getattr(Kitchen, method), Kitchen, RUNTIME) == codes


def test_a_parameter_says_what_it_is() -> None:
    assert "session_proxy.not_proxy" in codes_raised(Kitchen.through_a_parameter, Kitchen, RUNTIME)


def test_every_method_is_in_the_table() -> None:
    methods = {name for name, value in vars(Kitchen).items() if callable(value) and not name.startswith("_")}
    assert methods - {"through_a_parameter"} == set(RAISED)
