"""Workspace objects: notebooks, files and folders of the workspace's own tree."""
