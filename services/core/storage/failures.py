"""What a store can do instead of answering.

::

    StoreFailure
    ├── StoreAway      no connection, or no answer: the connection is gone
    ├── StoreRefused   the server answered with an error code
    └── SchemaTooOld   the database lacks a migration this program needs
"""


class StoreFailure(Exception):  # noqa: N818  # a failure is what it is; its kinds say more
    """A store did not do what it was asked; the message is fit for a log line and an answer."""


class StoreAway(StoreFailure):
    """There is no connection, or no answer came in time; the connection has been given up."""


class StoreRefused(StoreFailure):
    """The server answered with an error. The connection can be used again after a rollback."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        """MySQL's error number."""


class SchemaTooOld(StoreFailure):
    """The database's schema is older than this program, or there is none yet."""
