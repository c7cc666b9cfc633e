"""Brings what a fresh machine lacks. Only Python's standard library: nothing else is there yet."""
