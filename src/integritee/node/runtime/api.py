"""The node's runtime APIs, and the engine that answers them with a runtime written in Python.

Source: sp-consensus-aura, sp-consensus-grandpa, sp-session, sp-genesis-builder.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

from integritee.errors import IntegriteeError
from integritee.frame.apis import FRAME_APIS
from integritee.frame.executive import Executive
from integritee.frame.overlay import Overlay
from integritee.frame.pallets.aura import Aura, AuraId
from integritee.frame.pallets.grandpa import AuthorityList, Grandpa
from integritee.frame.runtime import Runtime
from integritee.frame.runtime_api import ApiFunction, RuntimeApi, functions_of
from integritee.node.errors import BadRuntimeInput, RuntimeApiMissing, RuntimePanic
from integritee.scale import Bytes4, DecodeError, u64
from integritee.trie import TrieError

from .presets import GenesisConfig, NodeRuntime

SESSION_KEY_TYPES: Final = (b"aura", b"gran")
"""Key types of the session keys, 32 bytes each, in order."""


class AuraApi(RuntimeApi):
    """Who authors in which slot."""

    trait: ClassVar[str] = "AuraApi"
    trait_version: ClassVar[int] = 1

    def slot_duration(self) -> u64:
        return self.runtime.pallet(Aura).slot_duration

    def authorities(self) -> list[AuraId]:
        return self.runtime.pallet(Aura).authorities.get()


class GrandpaApi(RuntimeApi):
    """Who finalizes. Equivocations are not punished here, so reports of them are not taken."""

    trait: ClassVar[str] = "GrandpaApi"
    trait_version: ClassVar[int] = 3

    def grandpa_authorities(self) -> AuthorityList:
        return self.runtime.pallet(Grandpa).authorities.get()

    def current_set_id(self) -> u64:
        return self.runtime.pallet(Grandpa).current_set_id.get()


class SessionKeys(RuntimeApi):
    """What a blob of session keys consists of. Keys are made by the node, not by this runtime."""

    trait: ClassVar[str] = "SessionKeys"
    trait_version: ClassVar[int] = 1

    def decode_session_keys(self, encoded: bytes) -> list[tuple[bytes, Bytes4]] | None:
        if len(encoded) != 32 * len(SESSION_KEY_TYPES):
            return None
        return [(encoded[32 * i : 32 * (i + 1)], kind) for i, kind in enumerate(SESSION_KEY_TYPES)]


class GenesisBuilder(RuntimeApi):
    """The well-known beginnings of this runtime's chains, as JSON. Raw genesis is made outside of the runtime."""

    trait: ClassVar[str] = "GenesisBuilder"
    trait_version: ClassVar[int] = 1

    def get_preset(self, id: str | None) -> bytes | None:
        config = GenesisConfig() if id is None else self._presets.get(id)
        return None if config is None else config.to_json(self.runtime.pallets)

    def preset_names(self) -> list[str]:
        return list(self._presets)

    @property
    def _presets(self) -> Mapping[str, GenesisConfig]:
        return self.runtime.presets if isinstance(self.runtime, NodeRuntime) else {}


NODE_APIS: Final[tuple[type[RuntimeApi], ...]] = (*FRAME_APIS, AuraApi, SessionKeys, GrandpaApi, GenesisBuilder)
"""Everything the node's runtime answers."""


class PythonRuntimeEngine:
    """A `RuntimeEngine` over a runtime class. One call at a time; not for several threads.

    The runtime object is built once; every call enters the overlay it is given, and nothing stays behind.
    """

    def __init__(self, runtime: type[Runtime], apis: tuple[type[RuntimeApi], ...]) -> None:
        self._runtime = runtime()
        executive = Executive(self._runtime)
        self._functions: dict[str, ApiFunction] = {}
        for api in apis:
            self._functions |= functions_of(api(executive, apis))

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        """Result of a runtime API function; its storage changes are in `overlay`.

        Raises RuntimeApiMissing, RuntimePanic, BadRuntimeInput if the arguments do not decode, and TrieError if
        the state itself is broken.
        """
        function = self._functions.get(name)
        if function is None:
            raise RuntimeApiMissing(name)
        self._runtime.enter(overlay)
        try:
            arguments = function.arguments.decode(args)
        except DecodeError as error:
            raise BadRuntimeInput(name, str(error)) from error
        try:
            return function.result.encode(function.run(*arguments))
        except TrieError:
            raise
        except IntegriteeError as error:
            raise RuntimePanic(name, str(error)) from error
        except Exception as error:
            # A mistake in a pallet ends its call, like a trap in Wasm; the node outlives it.
            raise RuntimePanic(name, f"{type(error).__name__}: {error}") from error
