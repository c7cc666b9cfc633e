"""The live projection: one arm's records in Redis, their total, the students of each course."""
