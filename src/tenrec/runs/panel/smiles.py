"""Models of the smile on a panel, fitted to the quotes of a close alone: how volatility answers the forward."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl

from tenrec.backtest.heston_days import heston_days, heston_responses
from tenrec.backtest.neural_days import neural_days, neural_responses
from tenrec.backtest.sabr_smiles import sabr_responses, sabr_slices
from tenrec.backtest.smiles import smile_points, smile_slopes, sticky_responses
from tenrec.runs.panel.config import LABELS, SMILE_MODELS
from tenrec.runs.panel.desk import PanelDesk
from tenrec.runs.panel.folder import PanelFolder
from tenrec.runs.progress import Reporter

Told = Callable[[int, int], None]
Answers = tuple[Mapping[str, np.ndarray], pl.Series | None]
"""The response of every row by delta, and the errors of the fits (annualised decimal)."""


def know_smiles(desk: PanelDesk, folder: PanelFolder, reporter: Reporter, *, resume: bool) -> dict[str, Any]:
    """Fit the models that the configuration's deltas need, and let the desk know their responses.

    What an interrupted run had fitted is taken from its folder.

    Returns:
        the median root-mean-square error of each model's fits, volatility points.
    """
    rows, fits = desk.smile_rows(), {}
    for model, deltas in SMILE_MODELS.items():
        if not desk.uses(deltas):
            continue
        reporter.start(f"fit {LABELS[deltas[0]]}", 100)
        kept = folder.kept_table(f"smiles_{model}") if resume else None
        if kept is None or kept.height != rows.height:
            kept = _respond(model, desk, rows, lambda done, of: reporter.advance(100 * done // max(of, 1)))
            folder.write_table(f"smiles_{model}", kept)
        reporter.advance(100)
        rows = rows.with_columns(kept[name] for name in deltas)
        fits[model] = kept["misfit"].first()
    desk.know(rows)
    return fits


def _respond(model: str, desk: PanelDesk, rows: pl.DataFrame, told: Told) -> pl.DataFrame:
    """The response of each row by delta, and the model's misfit in volatility points."""
    answers, errors = MODELS[model](desk, rows, told)
    median = None if errors is None else errors.fill_nan(None).median()
    misfit = pl.lit(100.0 * median if isinstance(median, float) else None, pl.Float64).alias("misfit")
    return pl.DataFrame(dict(answers)).with_columns(misfit)


def _sticky(desk: PanelDesk, rows: pl.DataFrame, _: Told) -> Answers:
    return {"sticky_moneyness_delta": sticky_responses(rows, smile_slopes(desk.quotes))}, None


def _sabr(desk: PanelDesk, rows: pl.DataFrame, _: Told) -> Answers:
    slices = sabr_slices(smile_points(desk.quotes))
    return {"bartlett_delta": sabr_responses(rows, slices)}, slices["rms"]


def _heston(desk: PanelDesk, rows: pl.DataFrame, told: Told) -> Answers:
    days = heston_days(smile_points(desk.quotes), told)
    still, moving = heston_responses(rows, days)
    return {"heston_delta": still, "heston_minimum_variance_delta": moving}, days["rms"]


def _neural(desk: PanelDesk, rows: pl.DataFrame, told: Told) -> Answers:
    settings = desk.config.neural
    fitted = neural_days(smile_points(desk.quotes), every=settings.every, seed=desk.config.training.seed, told=told)
    return {"neural_delta": neural_responses(rows, fitted)}, fitted.days["rms"]


MODELS: dict[str, Callable[[PanelDesk, pl.DataFrame, Told], Answers]] = {
    "parabola": _sticky,
    "sabr": _sabr,
    "heston": _heston,
    "neural": _neural,
}
"""By the keys of `SMILE_MODELS`."""
