"""Joining, consent, profile, card codes, claims, operators."""
