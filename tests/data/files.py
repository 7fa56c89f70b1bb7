"""Small real files for the loaders' tests, and the folder of recorded data where it is there."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded data in ../shared/data are not here")

CHAIN_HEADER = "date,expiry,kind,strike,bid,ask"
CHAIN_ROW = "2021-01-04,2021-02-01,call,100,1.0,1.2"


def write(folder: Path, name: str, *lines: str) -> Path:
    """A text file of these lines."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def chain(folder: Path, *rows: str, header: str = CHAIN_HEADER) -> Path:
    """An option chain `chain.csv` of one good row (row 2 of the file) and `rows` after it."""
    first = CHAIN_ROW if header == CHAIN_HEADER else ""
    return write(folder, "chain.csv", *[line for line in (header, first, *rows) if line])
