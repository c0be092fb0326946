"""The `ccos` command."""


def main() -> None:
    """Entry point; the commands follow."""
    raise SystemExit(2)
