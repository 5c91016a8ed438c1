"""Steps of flights.silver."""
