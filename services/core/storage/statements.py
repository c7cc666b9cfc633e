"""Every statement the services send, in one place.

They keep to what MySQL 8, MariaDB 10.11, Galera and TiDB all take: a test holds them to a list.
Each ``VALUES(column)`` in an upsert is deprecated in MySQL 8.0.20 in favour of a row alias that
MariaDB does not know; it works in all of them.
"""

from services.core.storage.sql import Fixed, Listed

# The writing transaction, in its order.

CLAIM_KEYS = Listed(
    "INSERT INTO idempotency_keys (idem_key, record_id) VALUES ",
    "(%s,%s)",
    " ON DUPLICATE KEY UPDATE record_id = record_id",
)
"""A no-op where the key is taken, which also waits for a writer that is about to take it.
As nothing is updated, the affected rows are the keys that are new."""

READ_KEYS = Listed(
    "SELECT idem_key, HEX(record_id) FROM idempotency_keys WHERE idem_key IN (",
    "%s",
    ") FOR UPDATE",
)

READ_RECORDS = Listed(
    "SELECT HEX(id), student_id, student_name, course, grade, semester, year, arm FROM records"
    " WHERE id IN (",
    "%s",
    ")",
)

INSERT_RECORDS = Listed(
    "INSERT INTO records"
    " (id, student_id, student_name, course, grade, semester, year, arm, stored_at) VALUES ",
    "(%s,%s,%s,%s,%s,%s,%s,%s,UTC_TIMESTAMP(6))",
    "",
)

ENROL = Listed(
    "INSERT INTO enrolments (enrolment, record_id) VALUES ",
    "(%s,%s)",
    " ON DUPLICATE KEY UPDATE record_id = record_id",
)
"""A no-op where the student is enrolled already; the affected rows are the new enrolments."""

READ_ENROLMENTS = Listed("SELECT enrolment FROM enrolments WHERE enrolment IN (", "%s", ")")
OF_OTHERS = Listed(" AND record_id NOT IN (", "%s", ")")
"""Goes on from the one before: only those that other records had made."""

COUNT_GRADES = Listed(
    "INSERT INTO course_grades (year, semester, course, grade, arm, slot, records) VALUES ",
    "(%s,%s,%s,%s,%s,%s,%s)",
    " ON DUPLICATE KEY UPDATE records = records + VALUES(records)",
)

COUNT_COURSE_STUDENTS = Listed(
    "INSERT INTO course_students (year, semester, course, arm, slot, students) VALUES ",
    "(%s,%s,%s,%s,%s,%s)",
    " ON DUPLICATE KEY UPDATE students = students + VALUES(students)",
)

RANK_STUDENTS = Listed(
    "INSERT INTO students"
    " (year, semester, student_id, student_name, grade_sum, records, rank_key) VALUES ",
    "(%s,%s,%s,%s,%s,%s,%s)",
    " ON DUPLICATE KEY UPDATE"
    " rank_key = -(((grade_sum + VALUES(grade_sum)) * CAST(10000000000000000 AS DECIMAL(17)))"
    " DIV (records + VALUES(records))),"
    " student_name = LEAST(student_name, VALUES(student_name)),"
    " grade_sum = grade_sum + VALUES(grade_sum),"
    " records = records + VALUES(records)",
)
"""The rank comes first because assignments are made left to right: it needs the old sum."""

COUNT_RECORDS = Listed(
    "INSERT INTO record_totals (arm, slot, records) VALUES ",
    "(%s,%s,%s)",
    " ON DUPLICATE KEY UPDATE records = records + VALUES(records)",
)

ADD_TO_OUTBOX = Fixed(
    "INSERT INTO outbox (batch_id, record_ids, stored_at) VALUES (%s, %s, UTC_TIMESTAMP(6))"
)

READ_FENCES = Listed("SELECT HEX(id) FROM fences WHERE id IN (", "%s", ")")

TRY_COUNT = Listed(
    "INSERT INTO fences (id, fenced_at) VALUES ",
    "(%s,UTC_TIMESTAMP(6))",
    " ON DUPLICATE KEY UPDATE id = id",
)
"""Affects one row the first time and none the second, and is rolled back."""

COMMIT = Fixed("COMMIT")
ROLLBACK = Fixed("ROLLBACK")

# Settling what became of records whose writer got no answer.

FENCE = Listed(
    "INSERT INTO fences (id, fenced_at) VALUES ",
    "(%s,UTC_TIMESTAMP(6))",
    " ON DUPLICATE KEY UPDATE fenced_at = VALUES(fenced_at)",
)

FIND_RECORDS_LOCKED = Listed("SELECT HEX(id) FROM records WHERE id IN (", "%s", ") FOR UPDATE")

OCCUPY = Listed(
    "INSERT INTO records"
    " (id, student_id, student_name, course, grade, semester, year, arm, stored_at) VALUES ",
    "(%s,'','','',0,'',0,'',UTC_TIMESTAMP(6))",
    "",
)
VACATE = Listed("DELETE FROM records WHERE id IN (", "%s", ")")

PRUNE_FENCES = Fixed(
    "DELETE FROM fences WHERE fenced_at < UTC_TIMESTAMP(6) - INTERVAL %s SECOND LIMIT 1000"
)

# The outbox, from which Redis is kept up.

UNAPPLIED = Fixed(
    "SELECT HEX(batch_id), record_ids,"
    " TIMESTAMPDIFF(MICROSECOND, stored_at, UTC_TIMESTAMP(6)) FROM outbox"
    " WHERE applied_at IS NULL AND batch_id > %s ORDER BY batch_id LIMIT %s"
)

KEPT = Fixed(
    "SELECT HEX(batch_id), record_ids,"
    " TIMESTAMPDIFF(MICROSECOND, stored_at, UTC_TIMESTAMP(6)) FROM outbox"
    " WHERE batch_id > %s ORDER BY batch_id LIMIT %s"
)

MARK_APPLIED = Listed(
    "UPDATE outbox SET applied_at = UTC_TIMESTAMP(6) WHERE batch_id IN (", "%s", ")"
)

PRUNE_OUTBOX = Fixed(
    "DELETE FROM outbox WHERE applied_at < UTC_TIMESTAMP(6) - INTERVAL %s SECOND LIMIT 1000"
)

CHUNK_END = Fixed("SELECT HEX(id) FROM records WHERE id > %s ORDER BY id LIMIT 1 OFFSET %s")
LAST_ID = Fixed("SELECT HEX(id) FROM records ORDER BY id DESC LIMIT 1")
FIRST_ID = Fixed("SELECT HEX(id) FROM records ORDER BY id LIMIT 1")

CHUNK = Fixed(
    "SELECT HEX(id), student_id, student_name, course, grade, semester, year, arm FROM records"
    " WHERE id > %s AND id <= %s AND arm = %s ORDER BY id"
)

# Readings.

SEMESTERS = Fixed("SELECT DISTINCT year, semester FROM course_students ORDER BY year, semester")

COURSES = Fixed(
    "SELECT course, SUM(students) FROM course_students WHERE year = %s AND semester = %s"
    " GROUP BY course ORDER BY course"
)

TOP_COURSES = Fixed(
    "SELECT course, SUM(students) AS distinct_students FROM course_students"
    " WHERE year = %s AND semester = %s GROUP BY course"
    " ORDER BY distinct_students DESC, course LIMIT %s"
)

COURSE_GRADES = Fixed(
    "SELECT grade, SUM(records) FROM course_grades"
    " WHERE year = %s AND semester = %s AND course = %s GROUP BY grade ORDER BY grade"
)

TOP_STUDENTS = Fixed(
    "SELECT student_id, student_name, grade_sum, records FROM students"
    " WHERE year = %s AND semester = %s ORDER BY rank_key, student_name, student_id LIMIT %s"
)

COUNT_BY_ARM = Fixed("SELECT arm, SUM(records) FROM record_totals GROUP BY arm ORDER BY arm")
COUNT_UNAPPLIED = Fixed("SELECT COUNT(*) FROM outbox WHERE applied_at IS NULL")
LEDGER_ID = Fixed("SELECT HEX(id) FROM ledger")
REVISION = Fixed("SELECT version_num FROM alembic_version")
SIGN_OF_LIFE = Fixed("SELECT 1")
