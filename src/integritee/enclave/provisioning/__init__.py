"""Provisioning: an enclave gets keys and state of a shard from another enclave, once both have proven what they are.

The server, in an enclave that has the state (`provider` implements `Provider`)::

    server = ProvisioningServer(provider)
    await server.start(params.mu_ra_host, params.mu_ra_port)
    ...
    await server.stop()

The client, in an enclave that waits for it (`applicant` implements `Applicant`)::

    found = await fetch(host, port, applicant, Role.JOIN, progress=tell_host)
    store.put_secret(SHIELDING_LABEL, found.secrets.shielding_key)
    store.put_secret(STATE_LABEL, found.secrets.state_key)
    ...  # seal found.state.items() and found.meta, and for Role.SUCCEED found.estate

The client's signing key has to be sealed before `fetch`: a successor that lost it could not ask again. What the
facts in `Trust` and `ShardTerms` are, and that they come from proven state, is the enclave's part; everything
else is decided here. docs/provisioning.md has the protocol and what attackers meet.
"""

from .admission import LOOPBACK, ServerLimits
from .client_session import ClientSession, ProvisionedState
from .fetch import FetchLimits, fetch
from .listener import ProvisioningServer
from .messages import Role
from .provider import Applicant, Provider
from .server_session import ServerSession
from .snapshots import Secrets, Snapshot
from .terms import SKIP_RA_BANNER, Party, ShardTerms, Trust, evidence_policy

__all__ = [
    "LOOPBACK",
    "SKIP_RA_BANNER",
    "Applicant",
    "ClientSession",
    "FetchLimits",
    "Party",
    "Provider",
    "ProvisionedState",
    "ProvisioningServer",
    "Role",
    "Secrets",
    "ServerLimits",
    "ServerSession",
    "ShardTerms",
    "Snapshot",
    "Trust",
    "evidence_policy",
    "fetch",
]
