"""Steps of flights.ops."""
