"""What everybody is told of the fees that the enclave account has collected: about how much, and no more than that."""

from __future__ import annotations

import pytest

from integritee.stf.asset_map import ASSET_HUB_LOCAL, AssetId

from .kit import CHARLIE, ENCLAVE, LOCAL_ASSET_HUB, NOW, ONE, Bench


@pytest.mark.parametrize("asset", [None, *ASSET_HUB_LOCAL])
@pytest.mark.parametrize("units", [0, 1, 5, 100])
def test_collected_fees_are_shown_less_some_noise(asset: AssetId | None, units: int) -> None:
    """Never more than there is, never less by a tenth of a unit, the same however often one asks."""
    bench = Bench(genesis_hash=LOCAL_ASSET_HUB)
    unit = ONE if asset is None else asset.one_unit
    amount = units * unit // 20
    if asset is None:
        bench.runtime.balances.mint(ENCLAVE.public, amount)
        pot = bench.free(ENCLAVE)
    else:
        bench.hold(ENCLAVE, asset, amount)
        pot = bench.held(ENCLAVE, asset)
    shown = bench.read("undistributed_fees", asset)
    assert max(pot - unit // 10, 0) <= shown <= pot
    for hours in (0, 1, 24):
        bench.runtime.timestamp.now.put(NOW + hours * 3_600_000)
        assert bench.read("undistributed_fees", asset) == shown
    bench.check()


def noise(bench: Bench, asset: AssetId | None) -> float:
    """What is missing from what is shown, in hundredths of a unit."""
    unit = ONE if asset is None else asset.one_unit
    pot = bench.free(ENCLAVE) if asset is None else bench.held(ENCLAVE, asset)
    return (pot - int(bench.read("undistributed_fees", asset))) / (unit // 100)


def test_noise_differs_by_asset_pot_and_secret() -> None:
    """So that neither comparison nor the fee of a single call in between tells what is there."""
    bench = Bench({ENCLAVE: ONE, CHARLIE: 10 * ONE}, genesis_hash=LOCAL_ASSET_HUB)
    stable = [asset for asset in ASSET_HUB_LOCAL if asset.one_unit == 10**6]
    for asset in stable:
        bench.hold(ENCLAVE, asset, 10**6)
    by_asset = [noise(bench, asset) for asset in (None, *stable)]
    assert len(set(by_asset)) == len(by_asset)
    by_pot = []
    for _ in range(20):
        by_pot.append(noise(bench, None))
        assert bench.run(CHARLIE, "noop").error is None
    assert len(set(by_pot)) == 20
    assert max(by_pot) - min(by_pot) > 5
    by_secret = []
    for secret in range(20):
        bench.runtime.secret = bytes([secret]) * 32
        by_secret.append(noise(bench, None))
    assert len(set(by_secret)) == 20
    assert 0 <= min(by_secret) < max(by_secret) < 10
    bench.check()
