"""Reconciling the declared with the real: diff and plan are pure, apply does what the plan says, explain shows it.

Knows no type of resource but through `Resource`.
"""
