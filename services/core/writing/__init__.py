"""From a request's record to its place in a transaction."""
