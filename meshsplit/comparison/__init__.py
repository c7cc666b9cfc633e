"""The arms side by side, and what may be concluded of them, however often one looks."""
