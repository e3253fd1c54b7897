"""The node's JSON-RPC interface: methods, subscriptions, and a server for both. Import from the submodules."""
