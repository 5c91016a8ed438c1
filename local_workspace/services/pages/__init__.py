"""Read-only web pages of the workspace: runs, jobs, catalogs, tables, grants. Its REST API is the other services'."""
