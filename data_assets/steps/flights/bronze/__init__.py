"""Steps of flights.bronze."""
