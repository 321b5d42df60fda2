"""Residents, guardians, their consent and their import."""
