"""SQL alerts, which are evaluated on their schedules; whom they would notify is kept, and nothing is sent."""
