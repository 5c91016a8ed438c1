"""The catalog `system`: what ran and what it used, in the tables of the real service."""
