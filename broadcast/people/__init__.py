"""Residents, guardians, consent and accounts: who is reached, who agreed to what, who may sign in."""
