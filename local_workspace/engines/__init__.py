"""Engines: the child processes that do the real work (Spark, moto, Python workers) and their lifecycles.

What the REST API means is not here but in `services/`.
"""
