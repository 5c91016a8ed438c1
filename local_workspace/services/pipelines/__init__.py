"""Declarative pipelines: definitions and who may do what with them. Nothing here runs them."""
