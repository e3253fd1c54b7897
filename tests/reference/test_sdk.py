"""The generated client: a typed method for each call and getter, which does what the ledger declares."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import typing
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from integritee.apps.catalog import BUILT_IN, LedgerConfig, ledger_of
from integritee.client import typed
from integritee.client.errors import OperationCancelled
from integritee.client.typed import LedgerClient
from integritee.client.worker import WorkerClient
from integritee.primitives.ids import AccountId, Balance
from integritee.primitives.rpc import InSidechainBlock
from integritee.reference.errors import NameClash, UnreadableAnnotation
from integritee.reference.python_source import WIDTH, Imports, docstring, origin, wrapped
from integritee.reference.sdk import typed_client
from integritee.scale import u8
from integritee.stf.asset_map import AssetId
from integritee.stf.declare import App, Context, public_getter, trusted_call, trusted_getter
from integritee.stf.ledger import Ledger
from integritee.stf.native import NATIVE_APPS
from integritee.stf.types import AnyRole, SessionProxyCredentials

from ..client.ledger_enclave import ALICE, BOB, UNIT, LedgerEnclave

LEDGER = ledger_of(LedgerConfig(list(BUILT_IN), True))
FEE = UNIT // 100


# -- on the wire ---------------------------------------------------------------------------------------


@pytest.fixture
async def ledger() -> AsyncIterator[LedgerClient]:
    async with LedgerEnclave().serving() as url, await WorkerClient.connect(url) as worker:
        yield LedgerClient(worker)


async def test_a_call_and_getters(ledger: LedgerClient) -> None:
    result = await ledger.balance_transfer(BOB.public, 5 * UNIT, signer=ALICE)
    assert isinstance(result.status, InSidechainBlock)
    assert (await ledger.account_info(signer=BOB)).data.free == 5 * UNIT
    assert await ledger.some_value() == 42
    assert await ledger.asset_total_issuance(AssetId.BTC) == 0


async def test_options_of_a_call(ledger: LedgerClient) -> None:
    """A nonce of one's own is taken as it is."""
    with pytest.raises(OperationCancelled, match="nonce 7 found"):
        await ledger.noop(signer=BOB, nonce=7)


async def test_on_behalf_of_an_account(ledger: LedgerClient) -> None:
    """Signed by its session proxy."""
    await ledger.add_session_proxy(BOB.public, SessionProxyCredentials(AnyRole(), None, bytes(32)), signer=ALICE)
    await ledger.send_note(BOB.public, b"hello", signer=BOB, account=ALICE.public)
    info = await ledger.account_info(signer=BOB, account=ALICE.public)
    assert info.nonce == 2


async def test_the_shard_is_that_of_the_connection(ledger: LedgerClient) -> None:
    before = await ledger.total_issuance()
    await ledger.balance_unshield(BOB.public, UNIT, signer=ALICE)
    assert await ledger.total_issuance() == before - UNIT


async def test_apps_are_attributes(ledger: LedgerClient) -> None:
    await ledger.credits.create_class(4, signer=ALICE)
    assert (await ledger.credits.credit_class_info(4, signer=ALICE)).owner == ALICE.public
    assert (await ledger.credits.public_credit_class_info(BOB.public, 4)).owner == ALICE.public
    with pytest.raises(OperationCancelled) as failed:
        await ledger.credits.create_class(4, signer=ALICE)
    assert failed.value.code == "credits.class_taken"


# -- the source ----------------------------------------------------------------------------------------


def clients() -> dict[str, type[Any]]:
    """Classes by the prefix of what they declare."""
    apart = {app.name: f"{''.join(w.title() for w in app.name.split('_'))}Client" for app in LEDGER.apps if app.index}
    return {"": LedgerClient, **{f"{name}.": getattr(typed, cls) for name, cls in apart.items()}}


@pytest.mark.parametrize("name", [*LEDGER.calls, *LEDGER.trusted_getters, *LEDGER.public_getters])
def test_every_declaration_has_a_method(name: str) -> None:
    app, _, own = name.rpartition(".")
    method = getattr(clients()[f"{app}." if app else ""], own)
    assert inspect.iscoroutinefunction(method)
    definition: Any = LEDGER.calls.get(name) or LEDGER.trusted_getters.get(name) or LEDGER.public_getters[name]
    assert (inspect.getdoc(method) or "").startswith(definition.docs.splitlines()[0])


def test_types_of_a_method() -> None:
    hints = typing.get_type_hints(LedgerClient.assets_transfer, include_extras=True)
    assert (hints["to"], hints["asset_id"], hints["amount"]) == (AccountId, AssetId, Balance)


def test_arguments_that_would_hide_an_option_get_an_underscore() -> None:
    assert "nonce_" in inspect.signature(LedgerClient.evm_call).parameters
    assert "account_" in inspect.signature(typed.CreditsClient.redeem).parameters


def test_formatted_and_checked_as_the_rest_of_the_source(tmp_path: Path) -> None:
    path = tmp_path / "typed.py"
    path.write_text(typed_client(LEDGER))
    config = Path(__file__).parents[2] / "pyproject.toml"
    for command in (["format", "--check"], ["check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--config", str(config), "--no-cache", str(path)]
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


class Weather(App):
    """An app of somebody else."""

    name: ClassVar[str] = "weather"
    index: ClassVar[int | None] = 203

    @trusted_call(0)
    def forecast(self, ctx: Context, sender: AccountId, degrees: u8) -> None:
        """Say what comes."""

    @trusted_getter(0)
    def mine(self, who: AccountId) -> list[u8] | None:
        """What an account has said."""

    @public_getter(0)
    def mean(self) -> u8:
        """What comes on average."""


def test_an_app_of_somebody_else() -> None:
    source = typed_client(Ledger((*NATIVE_APPS, Weather)))
    assert "class WeatherClient(AppClient):" in source
    assert "self.weather = WeatherClient(worker)" in source
    assert "async def mine(self, *, signer: KeyPair, account: AccountId | None = None) -> list[u8]:" in source
    assert "async def mean(self) -> u8:" in source
    compile(source, "typed.py", "exec")


def test_annotations_that_are_no_text_cannot_be_copied() -> None:
    module = ModuleType("eager")
    code = (
        "from integritee.primitives.ids import AccountId\n"
        "from integritee.stf.declare import App, Context, trusted_call\n"
        "class Eager(App):\n"
        "    name, index = 'eager', 204\n"
        "    @trusted_call(0)\n"
        "    def act(self, ctx: Context, sender: AccountId, other: AccountId) -> None: ...\n"
    )
    exec(compile(code, "eager.py", "exec", dont_inherit=True), module.__dict__)
    with pytest.raises(UnreadableAnnotation) as refused:
        typed_client(Ledger((*NATIVE_APPS, module.Eager)))
    assert refused.value.declaration == "eager.act"


# -- Python source -------------------------------------------------------------------------------------


LONG = "a" * 60


@pytest.mark.parametrize(
    ("other", "lines"),
    [
        ("b", [f"    call({LONG}, b)"]),
        ("b" * 46, [f"    call({LONG}, {'b' * 46})"]),
        ("b" * 47, ["    call(", f"        {LONG}, {'b' * 47}", "    )"]),
        ("b" * 48, ["    call(", f"        {LONG}, {'b' * 48}", "    )"]),
        ("b" * 49, ["    call(", f"        {LONG},", f"        {'b' * 49},", "    )"]),
    ],
)
def test_lines_are_broken_where_they_are_too_long(other: str, lines: list[str]) -> None:
    assert wrapped("    ", "call(", [LONG, other], ")").splitlines() == lines
    assert all(len(line) <= WIDTH for line in lines)


def test_docstrings() -> None:
    assert docstring("    ", "One.") == '    """One."""'
    assert docstring("    ", "One.\n\nTwo.") == '    """One.\n\n    Two.\n    """'


def test_imports_are_in_order() -> None:
    imports = Imports()
    imports.add("integritee.scale", "u128", "u8", "Struct")
    imports.add("typing", "Unpack")
    imports.add("greeter.types", "H256", "Greeting")
    assert imports.source() == (
        "from typing import Unpack\n\n"
        "from greeter.types import H256, Greeting\n\n"
        "from integritee.scale import Struct, u8, u128\n"
    )


def test_a_name_stands_for_one_type() -> None:
    imports = Imports()
    imports.add("greeter", "Mood")
    imports.add("greeter", "Mood")
    with pytest.raises(NameClash) as refused:
        imports.add("diary", "Mood")
    assert (refused.value.name, refused.value.first, refused.value.second) == ("Mood", "greeter", "diary")


def test_names_come_from_where_a_module_has_them() -> None:
    assert origin("AccountId", "integritee.stf.native.balances") == "integritee.primitives.ids"
    assert origin("GuessTheNumberInfo", "integritee.apps.guess_the_number.app") == (
        "integritee.apps.guess_the_number.types"
    )
    assert origin("AccessList", "integritee.apps.evm.app") == "integritee.apps.evm.app"
    assert Imports().annotation(ast.parse("list[bytes]", mode="eval").body, "integritee.stf.types") == "list[bytes]"
