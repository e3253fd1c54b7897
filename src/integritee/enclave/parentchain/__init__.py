"""What the enclave believes about its parentchains, and why it may."""
