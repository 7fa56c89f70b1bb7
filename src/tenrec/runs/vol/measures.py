"""The recipe of `tenrec vol measures`."""

from pathlib import Path
from typing import Any

from tenrec.core.errors import DataError
from tenrec.runs.files import write_atomically
from tenrec.runs.vol.reading import read_bars
from tenrec.volatility.realised import daily_measures


def measure_bars(path: Path, out: Path | None, *, minutes: float, session: str | None) -> dict[str, Any]:
    """Realised measures of intraday bars, written as Parquet or CSV; a summary for the terminal."""
    target = out or Path(f"{path.stem}_measures.parquet")
    if target.suffix.lower() not in (".parquet", ".csv"):
        raise DataError(f"--out {target} is neither .parquet nor .csv; give one of them.")
    bars = read_bars(path, session=session)
    columns = [name for name in ("time", "price", "open") if name in bars.columns]
    table = daily_measures(bars.select(columns), minutes=minutes)
    csv = target.suffix.lower() == ".csv"
    write_atomically(target, table.write_csv if csv else table.write_parquet)
    known = table.filter(table["masked"].is_null())
    mean = float(known["rv"].mean() or 0.0) if known.height else 0.0  # type: ignore[arg-type]
    return {
        "file": str(target),
        "days": table.height,
        "masked_days": table.height - known.height,
        "mean_daily_volatility": mean**0.5,
        "share_of_days_with_a_jump": float((known["jump_p"] < 0.001).mean() or 0.0) if known.height else 0.0,  # type: ignore[arg-type]
    }
