"""Everything that runs inside the trusted execution environment."""
