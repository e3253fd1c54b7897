"""The Encointer bot community: agents that meet, attest each other and are paid, and a model of their number."""
