"""Code that runs on Databricks: one module per step, at steps/<catalog>/<schema>/<table>.py with a `transform`.

Packed into a wheel under another name, so imports are relative; only pyspark, dagster_pipes and the standard library.
"""
