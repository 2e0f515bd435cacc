"""Phases 2 and 3: the same loop with another plan."""
