"""`integritee-cli`: parentchain accounts and the private ledger from a shell.

Commands, options and the lines on stdout are those of the original (worker `cli`), so that its scripts run
unchanged. Heavy modules are imported by the command that needs them: ``--version`` must be quick.
"""
