"""The services behind the REST API, one package per API; each exposes ROUTES in its routes module."""
