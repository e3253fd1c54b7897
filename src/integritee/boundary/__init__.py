"""The contract between host and enclave: typed ecalls and ocalls over one framed byte stream."""
