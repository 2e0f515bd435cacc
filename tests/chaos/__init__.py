"""Chaos around a small real study; see `__main__`."""
