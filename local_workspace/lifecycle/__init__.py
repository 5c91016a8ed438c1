"""Life of a local workspace: up, down, status, reset, logs; the gateway process and its watch over the engines.

What the engines do is in `engines/`, what the REST API means in `services/`.
"""
