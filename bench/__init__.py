"""Measurements, each with its reference taken in the same run. ``make bench`` runs them all.

Nothing here is compared with numbers of another machine: rates are given beside the bound that the same cores
reached in the same minute.
"""
