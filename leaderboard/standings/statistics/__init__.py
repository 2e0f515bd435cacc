"""How sure we are: intervals, tests, ranks and what they would take. Pure functions on arrays; no Django.

docs/statistics.md tells in words what each of them is, with its formula and its source.
"""
