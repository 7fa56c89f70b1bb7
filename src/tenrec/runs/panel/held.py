"""Contracts of the judged time, held to their expiry: ledgers, positions, P&L."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
import polars as pl

from tenrec.backtest.gains import gain
from tenrec.backtest.learners import settled_in
from tenrec.backtest.panel import Panel
from tenrec.hedging.assess import Sample, ledgers, outcome_of
from tenrec.hedging.costs import ProportionalCost
from tenrec.hedging.engine import Entry, Terms
from tenrec.hedging.policies import AbstractPolicy
from tenrec.runs.panel.config import REFERENCE
from tenrec.runs.panel.desk import PanelDesk
from tenrec.runs.panel.folder import PanelFolder
from tenrec.runs.tables import ledger_table

BP = 1e4


def judge_contracts(desk: PanelDesk, policies: dict[str, AbstractPolicy], folder: PanelFolder) -> dict[str, Any]:
    """Hedge every contract to its settlement, with costs; write positions, the book over time, and the P&L."""
    panel, config = desk.held, desk.config
    if isinstance(panel, str):
        return _none_held(desk, folder, panel)
    cost = config.costs.proportional
    charged = (ProportionalCost(jnp.asarray(cost, jnp.float32)),) if cost else ()
    terms = dataclasses.replace(desk.free, costs=charged)
    sample = Sample(panel.paths, panel.book, jnp.asarray(panel.premium, jnp.float32))
    lines = ledgers(settled_in(policies, terms), sample, terms)
    units, forward = _units(panel, config.contract.multiplier), panel.contracts["forward"].to_numpy()
    positions = _positions(lines, sample, terms, panel, units)
    folder.write_table("positions", positions, csv=True)
    folder.write_table("book", _over_time(positions))
    outcomes = {name: outcome_of(entry, sample.paths, terms) for name, entry in lines.items()}
    pnl = {name: np.asarray(outcome.pnl, float) for name, outcome in outcomes.items()}
    held = panel.contracts.with_columns(**{f"pnl_bp_{name}": pl.Series(value * BP) for name, value in pnl.items()})
    folder.write_table("pnl", held)
    expiry = panel.contracts["expiry"].to_numpy()
    # A ledger in coin ends in coin; in the quote currency it is worth the settlement's rate.
    rate = panel.contracts["settlement"].to_numpy() if terms.inverse else np.ones(len(panel))
    return {
        "contracts": len(panel),
        "expiries": int(panel.contracts["expiry"].n_unique()),
        "quantity": config.contract.quantity,
        "left_out": panel.excluded,
        "policies": {
            name: {
                "mean_bp": float(BP * value.mean()),
                "std_bp": float(BP * value.std()),
                "rms_bp": float(BP * np.sqrt(np.mean(value**2))),
                "cost_bp": float(BP * np.asarray(outcomes[name].cost, float).mean()),
                "pnl": float(np.sum(value * forward * units / rate)),
                **({"pnl_quote": float(np.sum(value * forward * units))} if terms.inverse else {}),
                **({} if name == REFERENCE else {"gain": gain(value, pnl[REFERENCE], expiry).to_dict()}),
            }
            for name, value in pnl.items()
        },
    }


def _positions(
    lines: Mapping[str, Entry], sample: Sample, terms: Terms, panel: Panel, units: np.ndarray
) -> pl.DataFrame:
    """Policy, date, contract, forward, position and trade, cost and P&L.

    Position and trade are units of the underlying, cost and P&L in the quote currency. Of a ledger in coin they are
    contracts worth one unit of the quote currency, and coin; `pnl_quote` is the P&L at the date's rate.
    """
    contracts, forward = panel.contracts, panel.contracts["forward"].to_numpy()
    scale = 1.0 if terms.inverse else forward
    ledger = ledger_table(
        lines, sample, terms, dates=panel.dates.astype("datetime64[D]"), labels=contracts["contract"].to_numpy(),
        scale=scale, length=np.asarray(panel.book.expiry)[:, 0] + 1,
    )  # fmt: skip
    size = pl.DataFrame({"path": contracts["contract"], "units": units, "start": forward})
    sized = ledger.join(size, on="path", how="left", maintain_order="left")
    if not terms.inverse:
        amounts = {name: pl.col(name) * pl.col("units") for name in ("position", "trade", "cost", "pnl")}
        return sized.select("policy", "date", contract="path", forward="spot", **amounts)
    face = pl.col("start") * pl.col("units")
    return sized.select(
        "policy", "date", contract="path", forward=pl.col("spot") * pl.col("start"), position=pl.col("position") * face,
        trade=pl.col("trade") * face, cost=pl.col("cost") * pl.col("units"),
        pnl=pl.col("pnl") / pl.col("spot") * pl.col("units"), pnl_quote=pl.col("pnl") * face,
    )  # fmt: skip


def _none_held(desk: PanelDesk, folder: PanelFolder, why: str) -> dict[str, Any]:
    """What stands where no contract of the judged time is settled inside the record: one-session steps are all."""
    numbers = dict.fromkeys(("forward", "position", "trade", "cost", "pnl"), pl.Float64)
    empty = pl.DataFrame(schema={"policy": pl.String, "date": pl.Date, "contract": pl.String, **numbers})
    folder.write_table("positions", empty, csv=True)
    folder.write_table("book", empty.select("policy", "date", "position", "pnl"))
    quantity = desk.config.contract.quantity
    return {"contracts": 0, "expiries": 0, "quantity": quantity, "left_out": {}, "policies": {}, "why_none": why}


def _units(panel: Panel, given: float | None) -> np.ndarray:
    """Units of the underlying in one contract of each path; the quantity is in the ledger already."""
    if given is not None:
        return np.full(len(panel), float(given))
    return panel.contracts["multiplier"].cast(pl.Float64).to_numpy()


def _over_time(positions: pl.DataFrame) -> pl.DataFrame:
    """The whole book by date: net position in units of the underlying, and P&L since the beginning."""
    change = pl.col("pnl").diff().fill_null(pl.col("pnl")).over("policy", "contract", order_by="date")
    daily = positions.with_columns(change=change).group_by("policy", "date").agg(
        pl.col("position").sum(), pl.col("trade").abs().sum().alias("traded"), pl.col("cost").sum(),
        pl.col("change").sum(),
        open=(pl.col("position") != 0).sum(),
    )  # fmt: skip
    return daily.sort("policy", "date").with_columns(pnl=pl.col("change").cum_sum().over("policy")).drop("change")
