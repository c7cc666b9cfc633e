"""What the shadow can be told."""

from services.core.settings import ArmName, DoorSettings, Port


class ShadowSettings(DoorSettings):
    """The shadow's settings."""

    port: Port = 8006
    """HTTP port."""
    arm: ArmName = "shadow"
    """Its name in answers and metrics; it is no arm of the split."""
