"""The gateway: terminates the Databricks REST API, authenticates, dispatches to the services.

Wire concerns live here (errors, auth, paging, routing, faults); what a call means lives in `services/`.
"""
