"""${message}"""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """State why the version before this one still works on the result."""
    ${upgrades if upgrades else "op.execute()"}
