"""The tables: what each is, what it is built of and how it is written. The code that builds it is in steps/.

To add a table: one entry in the catalog's file here, and its step at the path that its name says.
"""

from data_assets.tables.flights import STEPS
from data_assets.tables.model import LAYERS, Check, Column, Step, Table

__all__ = ["LAYERS", "STEPS", "Check", "Column", "Step", "Table"]
