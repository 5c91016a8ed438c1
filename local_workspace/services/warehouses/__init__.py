"""SQL warehouses: definitions, states and who may use them. Statements run in services/statements."""
