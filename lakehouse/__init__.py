"""The shared library: targets, names, clients, serverless runs, the command line. Knows no code location."""
