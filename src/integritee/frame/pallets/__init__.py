"""Pallets that more than one runtime uses."""
