"""The untrusted host (`integritee-worker`): moves bytes between parentchain, enclave, disk and operators."""
