"""Which days and expiries make the difference between two policies on recorded contracts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from tenrec.runs.metrics import BP
from tenrec.runs.statistics import CVAR95, STD, Comparison

SHOWN = 10


def daily_changes(ledger: pl.DataFrame, contracts: pl.DataFrame) -> pl.DataFrame:
    """Change of the marked P&L from date to date, basis points of the forward at sale: policy, path, date, change."""
    forward = contracts.select(pl.col("contract").alias("path"), "forward")
    change = (pl.col("pnl").diff().over("policy", "path") / pl.col("forward") * BP).alias("change")
    return ledger.join(forward, on="path", how="left").select("policy", "path", "date", change).drop_nulls("change")


def days_that_matter(ledger: pl.DataFrame, contracts: pl.DataFrame, learned: str, reference: str) -> pl.DataFrame:
    """The days on which the two policies' squared changes differ most, largest first.

    Columns: date, contracts held, root-mean-square change of each policy (bp), difference_bp between them,
    share (percent) of the whole gain in squared changes, label.
    """
    changes = daily_changes(ledger, contracts)
    columns = [
        (pl.col("change") ** 2).filter(pl.col("policy") == name).sum().alias(role)
        for role, name in (("reference_sum", reference), ("learned_sum", learned))
    ]
    count = pl.col("path").n_unique().alias("contracts")
    days = changes.group_by("date").agg(*columns, count).sort("date")
    gain = pl.col("reference_sum") - pl.col("learned_sum")
    days = days.with_columns(
        reference_bp=(pl.col("reference_sum") / pl.col("contracts")).sqrt(),
        learned_bp=(pl.col("learned_sum") / pl.col("contracts")).sqrt(),
        share=100.0 * gain / gain.sum(),
    ).with_columns(difference_bp=pl.col("learned_bp") - pl.col("reference_bp"))
    top = days.sort(gain.abs(), descending=True).head(SHOWN)
    label = pl.format(
        "{} % of the gain; {} contracts, {} bp instead of {} bp",
        pl.col("share").round(0).cast(pl.Int64),
        "contracts",
        pl.col("learned_bp").round(0).cast(pl.Int64),
        pl.col("reference_bp").round(0).cast(pl.Int64),
    )
    return top.select("date", "contracts", "reference_bp", "learned_bp", "difference_bp", "share", label.alias("label"))


def without_days(
    ledger: pl.DataFrame, contracts: pl.DataFrame, days: Sequence[Any], learned: str, reference: str
) -> dict[str, Any]:
    """Ratios of std and CVaR95 to the reference when the P&L changes of some days are left out, paired intervals."""
    kept = daily_changes(ledger, contracts).filter(~pl.col("date").is_in(list(days)))
    totals = kept.group_by("policy", "path").agg(pl.col("change").sum())
    losses = {}
    for name in (learned, reference):
        joined = contracts.select(pl.col("contract").alias("path")).join(
            totals.filter(pl.col("policy") == name), on="path", how="left", maintain_order="left"
        )
        losses[name] = -joined["change"].fill_null(0.0).to_numpy()
    comparison = Comparison(losses, contracts["expiry"].to_numpy())
    return {
        "days": [str(day) for day in days],
        "std": comparison.ratio(STD, learned, reference),
        "cvar95": comparison.ratio(CVAR95, learned, reference),
    }


def expiry_groups(contracts: pl.DataFrame, pnl_bp: Mapping[str, np.ndarray]) -> pl.DataFrame:
    """One row an expiry: number of contracts, and each policy's spread and mean of terminal P&L in basis points."""
    table = pl.concat([contracts.select("expiry"), pl.DataFrame(dict(pnl_bp))], how="horizontal")
    spread = [pl.col(name).std(ddof=0).alias(f"std_bp:{name}") for name in pnl_bp]
    mean = [pl.col(name).mean().alias(f"mean_bp:{name}") for name in pnl_bp]
    return table.group_by("expiry").agg(pl.len().alias("contracts"), *spread, *mean).sort("expiry")
