"""What every service shares; nothing in here knows one of them."""
