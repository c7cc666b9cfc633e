"""Gets copies of records by a mirror, checks them as an arm does, and stores nothing."""
