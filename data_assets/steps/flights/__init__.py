"""Steps of flights."""
