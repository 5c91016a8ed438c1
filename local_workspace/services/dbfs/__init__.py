"""DBFS API, kept to what works on /Volumes paths; the DBFS root is refused."""
