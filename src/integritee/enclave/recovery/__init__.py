"""When something went wrong: looking into sealed state, and bringing a shard back with the help of its custodians."""
