"""Servers of one's own for whoever tries what becomes of them: the audit's cluster, and tests."""
