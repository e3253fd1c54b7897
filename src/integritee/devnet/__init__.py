"""Local set-ups: parentchain, worker and enclave as one foreground command (`integritee devnet`, `demo`)."""
