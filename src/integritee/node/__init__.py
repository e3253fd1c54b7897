"""The embedded development parentchain. Import from the submodules."""
