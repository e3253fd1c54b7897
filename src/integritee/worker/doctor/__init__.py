"""`integritee-worker doctor`: what a data directory holds and what is wrong with it; repair of what costs nothing."""
