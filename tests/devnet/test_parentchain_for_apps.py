"""Apps whose parentchain is another one than usual."""

from __future__ import annotations

import pytest

from integritee.apps.catalog import BUILT_IN
from integritee.devnet.network import PARENTCHAINS, parentchain_for
from integritee.node.chains import DEV, ENCOINTER, WELL_KNOWN


@pytest.mark.parametrize(
    ("apps", "chain"),
    [((), DEV), (("evm",), DEV), (("encointer",), ENCOINTER), (("evm", "encointer"), ENCOINTER), (("./mine",), DEV)],
)
def test_the_node_s_chain(apps: tuple[str, ...], chain: str) -> None:
    assert parentchain_for(apps) == chain


def test_apps_and_chains_are_there() -> None:
    assert PARENTCHAINS.keys() <= BUILT_IN.keys()
    assert {*PARENTCHAINS.values()} <= {*WELL_KNOWN}
