"""SCIM 2.0: users, service principals and groups of the workspace. The identity provider is their source of truth."""
