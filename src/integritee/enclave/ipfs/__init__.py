"""Content on IPFS, as the enclave has it written and read: encrypted here, and its identifiers computed here."""
