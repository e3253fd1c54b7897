"""How many clients are listened to, how often, and from where."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from integritee.enclave.provisioning import LOOPBACK, ServerLimits
from integritee.enclave.provisioning.admission import RATE_SECONDS, Admission, address_of, site_of

LIMITS = ServerLimits(clients=3, clients_per_site=2, sessions_per_minute=5, sessions_per_minute_and_site=4)
MANY = ServerLimits(clients=100, clients_per_site=100, sessions_per_minute=5, sessions_per_minute_and_site=4)


def enter_all(admission: Admission, addresses: list[str], now: float = 0.0) -> list[str | None]:
    refused = [admission.enter(address, now) for address in addresses]
    return [None if error is None else f"{error.code} {error.data()['limit']}" for error in refused]


@pytest.mark.parametrize(
    ("limits", "addresses", "last"),
    [
        (LIMITS, ["10.0.0.1", "10.0.0.1", "10.0.0.2"], None),
        (LIMITS, ["10.0.0.1", "10.0.0.1", "10.0.0.1"], "provisioning.too_many_clients 2"),
        (LIMITS, ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], "provisioning.too_many_clients 3"),
        (LIMITS, ["2001:db8::1", "2001:db8::2", "2001:db8::3"], "provisioning.too_many_clients 2"),
        (LIMITS, ["2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:2::1"], None),
        (LIMITS, ["10.0.0.1", "::ffff:10.0.0.1", "10.0.0.1"], "provisioning.too_many_clients 2"),
        (MANY, ["10.0.0.1"] * 5, "provisioning.too_often 4"),
        (MANY, ["10.0.0.1"] * 3 + ["10.0.0.2"] * 3, "provisioning.too_often 5"),
    ],
    ids=[
        "room for all",
        "one address",
        "all places",
        "one IPv6 site",
        "several IPv6 sites",
        "one address in two forms",
        "one address too often",
        "all too often",
    ],
)
def test_who_is_served(limits: ServerLimits, addresses: list[str], last: str | None) -> None:
    admission = Admission(limits)
    assert enter_all(admission, addresses) == [None] * (len(addresses) - 1) + [last]
    assert admission.count == len(addresses) - (last is not None)


def test_who_leaves_makes_room() -> None:
    admission = Admission(LIMITS)
    assert enter_all(admission, ["10.0.0.1", "10.0.0.1"]) == [None, None]
    admission.leave("10.0.0.1")
    assert enter_all(admission, ["10.0.0.1"]) == [None]
    for _ in range(2):
        admission.leave("10.0.0.1")
    assert admission.count == 0


def test_a_minute_later_it_is_forgotten() -> None:
    admission = Admission(MANY)
    enter_all(admission, ["10.0.0.1"] * 4)
    assert enter_all(admission, ["10.0.0.1"], RATE_SECONDS - 0.001) == ["provisioning.too_often 4"]
    assert enter_all(admission, ["10.0.0.1"], RATE_SECONDS) == [None]


def test_one_site_never_takes_all() -> None:
    limits = ServerLimits()
    assert limits.clients_per_site < limits.clients
    assert limits.sessions_per_minute_and_site < limits.sessions_per_minute


@pytest.mark.parametrize(
    ("text", "address", "site", "is_local"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1/32", True),
        ("::ffff:127.0.0.1", "127.0.0.1", "127.0.0.1/32", True),
        ("::ffff:10.1.2.3", "10.1.2.3", "10.1.2.3/32", False),
        ("::1", "::1", "::/64", True),
        ("fe80::1%eth0", "fe80::1", "fe80::/64", False),
    ],
)
def test_addresses_as_sockets_write_them(text: str, address: str, site: str, is_local: bool) -> None:
    assert address_of(text) == ip_address(address)
    assert site_of(text) == ip_network(site)
    assert any(address_of(text) in network for network in LOOPBACK) is is_local
