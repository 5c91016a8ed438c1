"""What clients ask a host before anything else: which workspace it is, and where they may leave their telemetry."""
