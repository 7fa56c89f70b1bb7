"""The command line."""

from tenrec.cli.app import main

__all__ = ["main"]
