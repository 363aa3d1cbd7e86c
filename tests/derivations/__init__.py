"""Backward passes derived by hand, and mistakes made in them on purpose."""
