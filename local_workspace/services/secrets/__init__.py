"""Secret scopes: who may read, write and manage them, and secrets whose values are stored encrypted."""
