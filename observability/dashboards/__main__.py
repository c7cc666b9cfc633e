"""``python -m observability.dashboards`` writes every dashboard's JSON (`make dashboards`)."""

from observability.dashboards.files import write

write()
