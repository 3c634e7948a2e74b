"""Settings of the server: folder, access and limits."""

from __future__ import annotations

import ipaddress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from alphacrystal.errors import InputError
from alphacrystal.runtime.torch_device import AUTO, DeviceName

MIN_TOKEN_LENGTH = 16  # characters
MAX_WORKERS = 256
MAX_PATTERN_MB = 64
MAX_STRUCTURES_MB = 64
MAX_FORMULAS = 100_000


class Limits(BaseModel):
    """The limits of one server.

    Attributes:
        jobs: Jobs that run at the same time.
        waiting: Maximal number of waiting jobs.
        seconds: Running time of one job in s; its finished part is kept.
        disk_mb: Size of the folder of runs in MB; beyond it no job starts and running ones are stopped.
        formula_length: Characters of a formula or a cell content.
        candidates: Structures that one job may generate.
        workers: Relaxation processes of one job.
        device: Device of the potentials.
        pattern_mb: Size of an uploaded powder pattern in MB.
        structures_mb: Size of the uploaded structure files of a job together in MB.
        formulas: Formulas of an exploration.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    jobs: int = Field(1, ge=1, le=64)
    waiting: int = Field(20, ge=0, le=10_000)
    seconds: float = Field(3600, gt=0, allow_inf_nan=False)
    disk_mb: float = Field(5000, gt=0, allow_inf_nan=False)
    formula_length: int = Field(60, ge=1, le=1000)
    candidates: int = Field(200, ge=1, le=5000)
    workers: int = Field(2, ge=1, le=MAX_WORKERS)
    device: DeviceName = AUTO
    pattern_mb: float = Field(8, gt=0, le=MAX_PATTERN_MB)
    structures_mb: float = Field(4, gt=0, le=MAX_STRUCTURES_MB)
    formulas: int = Field(500, ge=1, le=MAX_FORMULAS)

    @property
    def pattern_bytes(self) -> int:
        """Bytes of an uploaded powder pattern at most."""
        return int(self.pattern_mb * 1e6)

    @property
    def structures_bytes(self) -> int:
        """Bytes of the uploaded structure files of a job at most."""
        return int(self.structures_mb * 1e6)


class ServeSettings(BaseModel):
    """Everything the server is started with.

    Attributes:
        folder: Folder of runs, new and earlier ones.
        host: Address to listen at.
        port: Port to listen at, 0 for a free one.
        token: Secret that a request must contain; None only at a loopback address.
        limits: See ``Limits``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    folder: Path
    host: str = "127.0.0.1"
    port: int = Field(8765, ge=0, le=65535)
    token: str | None = None
    limits: Limits = Limits()

    @property
    def on_loopback(self) -> bool:
        """Whether only programs of this machine can connect."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_access(settings: ServeSettings) -> None:
    """Refuse open access from other machines, and tokens that can be guessed.

    Raises:
        InputError: The address is no loopback address and there is no token, or the token is too short.
    """
    if settings.token is None:
        if not settings.on_loopback:
            raise InputError(
                f"Listening on {settings.host} gives other machines access and needs a token: "
                "give --token, or leave out --host."
            )
        return
    if (
        len(settings.token) < MIN_TOKEN_LENGTH
        or not settings.token.isascii()
        or not settings.token.isprintable()
    ):
        raise InputError(f"A token needs at least {MIN_TOKEN_LENGTH} letters, digits or signs (ASCII).")
