"""A Databricks workspace on this machine: the public REST API over real engines.

Knows nothing of the project it serves.
"""
