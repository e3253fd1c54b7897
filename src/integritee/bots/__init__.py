"""The Encointer bot community: a thousand agents that meet, attest each other and are paid, and a model that says how many."""
