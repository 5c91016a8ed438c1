"""Saved SQL queries."""
