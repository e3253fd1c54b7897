"""`integritee-worker test`: whether this installation works on this machine. The enclave checks what is trusted."""
