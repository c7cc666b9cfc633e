"""The ledger, its rollups, and what keeps writes exactly once.

utf8mb4_bin is named on every text column: it compares code points, as Python does, whatever the
server's default. Its comparison ignores trailing spaces, which no field may have.

The longest key, ``students.ranking``, takes 3070 of InnoDB's and TiDB's 3072 bytes.
"""

from alembic import op

revision = "0001"
down_revision = None

_TEXT = "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_ARM = "VARCHAR(63) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_TABLES = (
    f"""
    CREATE TABLE IF NOT EXISTS records (
        id BINARY(16) NOT NULL PRIMARY KEY,
        student_id {_TEXT},
        student_name {_TEXT},
        course {_TEXT},
        grade TINYINT UNSIGNED NOT NULL,
        semester {_TEXT},
        year SMALLINT UNSIGNED NOT NULL,
        arm {_ARM},
        stored_at DATETIME(6) NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    f"""
    CREATE TABLE IF NOT EXISTS idempotency_keys (
        idem_key {_TEXT} PRIMARY KEY,
        record_id BINARY(16) NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    """
    CREATE TABLE IF NOT EXISTS enrolments (
        enrolment BINARY(20) NOT NULL PRIMARY KEY,
        record_id BINARY(16) NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    f"""
    CREATE TABLE IF NOT EXISTS course_grades (
        year SMALLINT UNSIGNED NOT NULL,
        semester {_TEXT},
        course {_TEXT},
        grade TINYINT UNSIGNED NOT NULL,
        arm {_ARM},
        slot SMALLINT UNSIGNED NOT NULL,
        records BIGINT NOT NULL,
        PRIMARY KEY (year, semester, course, grade, arm, slot)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    f"""
    CREATE TABLE IF NOT EXISTS course_students (
        year SMALLINT UNSIGNED NOT NULL,
        semester {_TEXT},
        course {_TEXT},
        arm {_ARM},
        slot SMALLINT UNSIGNED NOT NULL,
        students BIGINT NOT NULL,
        PRIMARY KEY (year, semester, course, arm, slot)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    f"""
    CREATE TABLE IF NOT EXISTS students (
        year SMALLINT UNSIGNED NOT NULL,
        semester {_TEXT},
        student_id {_TEXT},
        student_name {_TEXT},
        grade_sum BIGINT NOT NULL,
        records BIGINT NOT NULL,
        rank_key BIGINT NOT NULL,
        PRIMARY KEY (year, semester, student_id),
        KEY ranking (year, semester, rank_key, student_name, student_id)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    f"""
    CREATE TABLE IF NOT EXISTS record_totals (
        arm {_ARM},
        slot SMALLINT UNSIGNED NOT NULL,
        records BIGINT NOT NULL,
        PRIMARY KEY (arm, slot)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    """
    CREATE TABLE IF NOT EXISTS outbox (
        batch_id BINARY(16) NOT NULL PRIMARY KEY,
        record_ids MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        stored_at DATETIME(6) NOT NULL,
        applied_at DATETIME(6) NULL,
        KEY waiting (applied_at, batch_id)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    """
    CREATE TABLE IF NOT EXISTS fences (
        id BINARY(16) NOT NULL PRIMARY KEY,
        fenced_at DATETIME(6) NOT NULL,
        KEY fenced (fenced_at)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
    """
    CREATE TABLE IF NOT EXISTS ledger (
        only_row TINYINT NOT NULL PRIMARY KEY,
        id BINARY(16) NOT NULL
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin
    """,
)


def upgrade() -> None:
    """Make the tables; running it again after it was cut short is fine."""
    for table in _TABLES:
        op.execute(table)
