"""The ladder and the stresses that a run keeps for its report."""

import polars as pl

from tenrec.contracts import BasketOption
from tenrec.runs.folder import RunFolder
from tenrec.runs.revaluation import has_worth
from tenrec.runs.run import Run
from tenrec.runs.scenarios import VOL_MOVES, moment

TABLES = ("ladder", "stresses")


def keep_what_if(folder: RunFolder) -> None:
    """Store both for a book of plain options, or of options on baskets; others have no value apart from their path.

    Further instruments of a recorded market have none either: no model says what they are worth elsewhere.
    """
    run = Run(folder)
    handle = run.policy()
    setting = handle.setting
    plain = all(isinstance(exotic, BasketOption) for exotic in setting.contract.exotics)
    if not plain or not has_worth(setting):
        return
    start = moment(handle)
    moves = [move for move in VOL_MOVES if start.volatility + move > 0.01]
    times = [0.0, 0.5 * start.time_to_maturity]
    in_bp = (1e4 / start.spot * pl.col("pnl")).alias("pnl_bp")
    ladder = run.ladder(start=start, vol_moves=moves, years_ahead=times)
    for name, table in zip(TABLES, (ladder, run.stresses(start=start)), strict=True):
        folder.write_table(name, table.with_columns(in_bp))


def kept_what_if(folder: RunFolder) -> dict[str, pl.DataFrame]:
    """Both tables by name, or nothing where the run has none."""
    return {name: folder.read_table(name) for name in TABLES if (folder.path / f"{name}.parquet").is_file()}
