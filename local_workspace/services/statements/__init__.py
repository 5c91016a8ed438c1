"""SQL statement execution in Spark Connect sessions that act as the caller."""
