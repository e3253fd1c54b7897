"""A confidential sidechain worker: a private ledger in a TEE, anchored in a Substrate parentchain."""

__version__ = "0.1.0"
