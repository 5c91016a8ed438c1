"""Arrival of objects in the landing bucket: from messages of the event queue to the runs that should follow.

Pure functions (events, routes, plans, cursor) around one client (queue); `tick` puts them together.
"""
