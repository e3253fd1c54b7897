"""The self-test: whether this installation, on this machine, does what the enclave relies on.

    check        what a check is, and how one after the other is run
    areas        which areas there are, by name
    <area>       the checks of one area, as a table
    small_chain  a parentchain of one authority, so that no node is needed
    small_host   the host's end of an enclave in the same process

It runs inside the enclave process, on what is installed; `integritee-worker test` asks for it area by area.
"""
