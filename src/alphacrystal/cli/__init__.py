"""The command line: one file per verb."""

__all__ = ["main"]


def main() -> None:
    """Placeholder until the verbs land."""
    raise SystemExit(0)
