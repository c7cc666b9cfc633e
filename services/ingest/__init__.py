"""The arm "fastapi": takes records over HTTP and stores them itself."""
