"""The other validateers of the shard: who they are, what they are told, what is fetched from them."""
