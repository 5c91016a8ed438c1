"""Parsers of what strangers send, under hypothesis in the tests and under atheris for as long as one likes."""
