"""Python SDK: clients of parentchain nodes and of workers, accounts and key stores. Asynchronous."""
