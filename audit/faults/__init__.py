"""What happens to a system, one file a kind of thing it happens to."""
