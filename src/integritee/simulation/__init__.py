"""A network of validateers in one thread under a virtual clock: `integritee simulate`.

The parentchain is the node's own chain in memory, the validateers are real enclave cores on disks that can fail, and
everything between them is a network that loses, doubles, delays and cuts. A seed says all that is random.
"""
