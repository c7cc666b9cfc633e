"""What the recorder can be told."""

from services.core.settings import MySQLURL, Port, WritingSettings


class RecorderSettings(WritingSettings):
    """The recorder's settings."""

    port: Port = 8003
    """HTTP port: health and metrics."""
    grpc_port: Port = 50051
    """Port of the contract."""
    mysql_url: MySQLURL
    """The ledger."""
    batch_linger_ms: float = 0.0
    """The records come in batches already."""
