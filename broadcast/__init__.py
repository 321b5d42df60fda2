"""The core: what a broadcast is, and how it reaches every household."""
