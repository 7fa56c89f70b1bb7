"""Forecasters as files: Parquet, one row a close, with what it is in the metadata."""

import json
from pathlib import Path

import numpy as np
import polars as pl

from tenrec.core.errors import ConfigError
from tenrec.runs.files import write_atomically
from tenrec.volatility.forecast.forecaster import Forecaster
from tenrec.volatility.forecast.walk import LABELS

KEY = "tenrec.forecaster"


def save_forecaster(forecaster: Forecaster, path: Path) -> None:
    """Write date, variance_1, variance_5 … (decimal a day); the file is whole or not there."""
    columns = {f"variance_{h}": forecaster.variance[:, place] for place, h in enumerate(forecaster.horizons)}
    table = pl.DataFrame({"date": pl.Series(forecaster.dates).cast(pl.Date), **columns})
    about = {"model": forecaster.model, "prices": forecaster.prices, "days_per_year": forecaster.days_per_year}
    write_atomically(path, lambda part: table.write_parquet(part, metadata={KEY: json.dumps(about)}))


def load_forecaster(path: str | Path) -> Forecaster:
    """Read what `save_forecaster` wrote.

    Raises:
        ConfigError: the file is not there, or is none of them.
    """
    place = Path(path)
    if not place.is_file():
        raise ConfigError(
            f"{place} is no file; `tenrec vol forecast --model hybrid --save {place}` writes a forecaster."
        )
    try:
        about = json.loads(pl.read_parquet_metadata(place)[KEY])
        table = pl.read_parquet(place)
    except (OSError, pl.exceptions.PolarsError, KeyError, ValueError):
        raise ConfigError(
            f"{place} is not a forecaster; give a file that `tenrec vol forecast --model MODEL --save FILE` wrote."
        ) from None
    if about["model"] not in LABELS:
        raise ConfigError(
            f"{place} holds forecasts of {about['model']!r}, which this version does not know; save anew."
        )
    names = [name for name in table.columns if name.startswith("variance_")]
    horizons = tuple(int(name.removeprefix("variance_")) for name in names)
    dates = table["date"].to_numpy().astype("datetime64[D]")
    variance = np.ascontiguousarray(table.select(names).to_numpy(), dtype=float)
    return Forecaster(about["model"], about["prices"], float(about["days_per_year"]), dates, horizons, variance)
