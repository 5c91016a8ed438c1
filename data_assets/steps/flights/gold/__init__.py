"""Steps of flights.gold."""
