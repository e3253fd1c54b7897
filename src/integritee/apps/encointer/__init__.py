"""Encointer, generation 1: community currencies with an income for everybody who proves to be a person.

Calls and getters in `app`, refusals in `errors`, values in `types`. The rules are in `meetups` (who meets whom) and
`validation` (whose attendance counts), the state in the pallets `communities`, `balances`, `ceremonies`, `scheduler`
and `free_calls`. `parentchain` knows where the parentchain keeps what is mirrored, `claims` what participants sign.
"""

from .app import Encointer

__all__ = ["Encointer"]
