"""Imports: bytes to rows, rows to values, partner codes."""
