"""Loss on the training batches and score on the validation paths, update by update."""

import math

import numpy as np
import plotly.graph_objects as go
import polars as pl

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots.base import Plot, bare_figure
from tenrec.reporting.style import DASHES, INK, LEARNED, PALETTE, PolicyStyle
from tenrec.reporting.text import escape, risk_name

MOST_POINTS = 600
BATCH = "#a9c9de"


def training_plot(data: ReportData, _styles: dict[str, PolicyStyle]) -> Plot | None:
    """A thin line for the noisy batch loss, a thick one for the score; one pair for each seed and stage."""
    history = data.history
    if history.height == 0 or not {"update", "score_bp"} <= set(history.columns):
        return None
    staged = "stage" in history.columns
    keys = [key for key in ("stage", "seed") if key in history.columns]
    figure = bare_figure(420, hovermode="closest")
    runs = history.partition_by(keys, maintain_order=True) if keys else [history]
    stages = history["stage"].cast(pl.String).unique(maintain_order=True).to_list() if staged else []
    seen: set[str] = set()
    for run in runs:
        stage = str(run["stage"][0]) if staged else ""
        turn = stages.index(stage) if staged else 0
        colors = (LEARNED, *PALETTE)
        line = {"color": colors[turn % len(colors)], "dash": DASHES[turn // len(colors) % len(DASHES)]}
        _add_run(figure, run.sort("update"), stage, line, first=stage not in seen)
        seen.add(stage)
    optimum = (data.metrics.get("optimum") or {}).get("optimum_bp")
    if optimum is not None:
        _add_optimum(figure, history, float(optimum))
    low, high = _range(history, optimum)
    figure.update_xaxes(title="Update", rangemode="tozero", zeroline=False)
    what = "What each policy minimises" if staged else risk_name(data.metrics.get("risk"))
    figure.update_yaxes(title=f"{what}, bp of initial spot", range=[low, high])
    caption = "Thin: loss of each update's own batch. Thick: score on validation paths that stay the same."
    if staged:
        caption = (
            "One colour a policy, one line a part of the record that it may see. Policies minimise different things, "
            "so that levels compare within a colour only."
        )
    return Plot("training", "Loss by update", caption, figure)


def _add_run(figure: go.Figure, run: pl.DataFrame, stage: str, line: dict[str, str], *, first: bool) -> None:
    seed = f", seed {run['seed'][0]}" if "seed" in run.columns else ""
    for column, label, width, opacity in (("loss_bp", "Batch loss", 1.0, 0.35), ("score_bp", "Validation", 2.25, 1.0)):
        if column not in run.columns:
            continue
        points = run.select("update", column).drop_nulls().filter(pl.col(column).is_finite())
        points = points.gather_every(max(math.ceil(points.height / MOST_POINTS), 1))
        name = escape(stage) or label
        color = line["color"] if stage or column == "score_bp" else BATCH
        figure.add_scatter(
            x=points["update"].to_numpy(), y=points[column].to_numpy().astype(np.float32), mode="lines",
            line={**line, "color": color, "width": width}, opacity=opacity if stage else 1.0,
            name=name, legendgroup=stage or column,
            showlegend=first and (not stage or column == "score_bp"),
            hovertemplate=f"update %{{x}}{seed}<br>{label.lower()} %{{y:,.2f}} bp<extra>%{{fullData.name}}</extra>",
        )  # fmt: skip


def _add_optimum(figure: go.Figure, history: pl.DataFrame, optimum: float) -> None:
    ends = [0, int(history["update"].max())]  # pyright: ignore[reportArgumentType]
    figure.add_scatter(
        x=ends, y=[optimum, optimum], mode="lines", line={"color": INK, "width": 1.5, "dash": "dash"},
        name="Exact optimum", legendgroup="optimum", showlegend=True,
        hovertemplate="exact optimum %{y:.3f} bp<extra></extra>",
    )  # fmt: skip


def _range(history: pl.DataFrame, optimum: float | None) -> tuple[float, float]:
    """The settled part of the curves: what the first quarter of the updates reach does not stretch the axis."""
    start = 0.25 * float(history["update"].max())  # pyright: ignore[reportArgumentType]
    columns = [column for column in ("score_bp", "loss_bp") if column in history.columns]
    settled = history.filter(pl.col("update") >= start)
    values = np.concatenate([settled[column].drop_nulls().to_numpy() for column in columns])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.quantile(values, [0.005, 0.995])
    if optimum is not None:
        low, high = min(low, optimum), max(high, optimum)
    pad = 0.08 * (high - low) or 0.5
    return float(low - pad), float(high + pad)
