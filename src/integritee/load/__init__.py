"""`integritee bench`: an open-loop load generator for trusted calls and getters.

Requests leave at times of a schedule, whether or not earlier ones are answered, and each latency counts from the time
its request was *meant* to leave: a server that stalls delays many of them, and all of these show (no coordinated
omission). Everything that costs is done before the clock starts: calls are signed, shielded and framed ahead.

`schedule` and `mix` say what leaves when, `compose` makes it, `websocket` carries it, `tally` and `histogram` count
what comes of it, `generator` is one process of these, `fleet` several, `saturation` looks for the highest rate.
"""
