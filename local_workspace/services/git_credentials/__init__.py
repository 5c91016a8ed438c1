"""Credentials of principals for Git providers; what they are is never shown."""
