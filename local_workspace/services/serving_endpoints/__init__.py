"""Model serving endpoints: definitions and who may do what with them. Nothing here serves a model."""
