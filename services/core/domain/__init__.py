"""A grade record, what can be wrong with it, and what can become of it."""
