"""How every walk of `tenrec vol` begins: a record, its name, and where the result goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tenrec.core.errors import ConfigError
from tenrec.runs.vol.bundled import shanghai_record
from tenrec.runs.vol.folder import checked_folder
from tenrec.runs.vol.reading import Reading, read_prices, with_input
from tenrec.volatility.realised.overnight import Overnight


@dataclass(frozen=True)
class Opened:
    """The record that a command works on, what to call it, and the folder of its result."""

    reading: Reading
    name: str
    folder: Path


def open_record(
    prices: Path | None,
    *,
    kind: str,
    what: str,
    out: Path | None,
    save: Path | None,
    implied: Path | None,
    minutes: float,
    overnight: Overnight,
    session: str | None,
    also: Sequence[Path] = (),
) -> Opened:
    """Read the prices, or the bundled Shanghai 50ETF where none are given, and check where the result is to go.

    Args:
        kind: of the result, in its metrics.json. what: how a message calls an earlier one. save: a further file that
            the command writes, which must be called .parquet.

    Raises:
        DataError, ConfigError: what was given cannot be used; nothing has been written.
    """
    if save is not None and save.suffix.lower() != ".parquet":
        raise ConfigError(f"--save {save} does not end in .parquet; it is a Parquet file, so name it so.")
    if prices is None:
        reading, name = shanghai_record(), "Shanghai 50ETF"
        for path in also:
            reading = with_input(reading, path)
    else:
        reading = read_prices(prices, implied=implied, also=also, minutes=minutes, overnight=overnight, session=session)
        name = prices.stem
    folder = checked_folder(out or Path("runs") / f"{kind}_{name.lower().replace(' ', '_')}", kind, what)
    return Opened(reading, name, folder)


def as_date(text: str | None, option: str) -> np.datetime64 | None:
    """A date from the command line."""
    if text is None:
        return None
    try:
        return np.datetime64(text, "D")
    except ValueError:
        raise ConfigError(f"{option} is {text!r}; write the date as 2006-01-01.") from None
