"""What the bridge can be told."""

from services.core.settings import ArmName, ArmSettings, Authority, Port


class BridgeSettings(ArmSettings):
    """The bridge's settings."""

    port: Port = 8002
    """HTTP port."""
    arm: ArmName = "grpc"
    """The arm's name, as the split and the answers call it."""
    recorder: Authority = "127.0.0.1:50051"
    """Where the recorder listens."""
