"""Pallets of the ledger's runtime that no other runtime has."""
