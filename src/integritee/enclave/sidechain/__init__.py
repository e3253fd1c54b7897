"""The sidechain: slots, verification, composition and import of its blocks."""
