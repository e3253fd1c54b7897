"""What the parentchain believes of SGX enclaves and of Intel's collateral.

Source: integritee pallets (branch polkadot-stable2503), crate `teerex/sgx-verify`, and rustls' `webpki` below it.

Every node must come to the verdict of the others, so these are the rules of the original, with its gaps: no
revocation lists, no expiry of collateral once it is registered, any TCB level of the quoting enclave, any status of
the platform, any name of a certificate. An enclave that asks whether to trust another one has stricter rules, in
`integritee.enclave.attestation`; both share the parts, `integritee.attestation`.

    certificates   PEM chains, and paths from a certificate to a root
    collateral     the quoting enclave's identity and TCB info, signed by Intel
    quote          DCAP quotes
    ias            reports of Intel's Attestation Service about EPID quotes
    errors         the reasons for a refusal

Certificates are slow to import: the pallet imports what it needs in its calls.
"""
