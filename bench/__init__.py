"""Speed, measured beside a peer in the same session; never asserted in a test.

Each module holds one comparison as a `measure() -> list[Measurement]`; `python -m bench` runs them.
"""
