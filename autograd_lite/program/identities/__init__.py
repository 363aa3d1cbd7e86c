"""Identities: plain NumPy functions before and after."""
