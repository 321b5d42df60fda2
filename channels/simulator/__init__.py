"""The fake carrier: a process of its own that speaks the providers' protocols."""
