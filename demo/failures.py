"""What a person's command can end with: an error whose message says what is wrong, where, and what to do."""


class DemoFailed(Exception):
    """The demo cannot do what was asked."""
