"""The seam between the node and its runtime: Substrate's runtime API over a storage overlay.

Behind it stands a runtime in Python, or a chain's own in Wasm (`engines`); nothing in the node beyond this seam
knows which. `runtime_api` has the typed calls.

Source: sp-api, sp-block-builder, `Executive` of frame-executive.
"""

from __future__ import annotations

from typing import Protocol

from integritee.frame.overlay import Overlay


class RuntimeEngine(Protocol):
    """Runs runtime API functions.

    What the node relies on:

    * `name` is ``Trait_function``; arguments and result are SCALE, arguments concatenated.
    * The overlay holds all state between calls; the engine keeps none that would not survive a restart.
      Whatever depends on the runtime's code (`Core_version`, metadata) follows from the ``:code`` of the state that
      the overlay stands on; in a genesis that is not committed yet, from the overlay's.
    * The caller opens and closes storage transactions around calls it may have to undo
      (`BlockBuilder_apply_extrinsic`); the engine leaves the depth of the overlay as it found it.
    * `TaggedTransactionQueue_validate_transaction` itself initialises a block on top of the given hash, so that
      the head counts as a known block (a mortal era may be born there).
    * `BlockBuilder_finalize_block` may leave `state_root` and `extrinsics_root` zero: the node computes both.
      Values that are not zero are compared. (`overlay.settled().root()` is the state root; the node reuses it.)
    """

    def call(self, name: str, overlay: Overlay, args: bytes) -> bytes:
        """Result of a runtime API function; its storage changes are in `overlay`.

        Raises RuntimeApiMissing, RuntimePanic, and BadRuntimeInput if the arguments do not decode.
        """
        ...
