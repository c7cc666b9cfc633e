"""What ingest can be told."""

from services.core.settings import ArmName, ArmSettings, MySQLURL, Port, RedisURL


class IngestSettings(ArmSettings):
    """Ingest's settings."""

    port: Port = 8001
    """HTTP port."""
    arm: ArmName = "fastapi"
    """The arm's name, as the split and the answers call it."""
    mysql_url: MySQLURL
    """The ledger."""
    redis_url: RedisURL
    """The live projection of this arm's records."""
