"""The main job on real data: local workspace up, estate reconciled, flights landed, sensed, run, answered.

Only what a person sees of it lives here (phases, progress, the report); the work is done by the rooms it calls.
"""
