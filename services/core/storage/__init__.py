"""The ledger: records, their rollups, and what is read from them, in MySQL."""
