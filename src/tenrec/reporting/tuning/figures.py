"""The figures of a tuning report."""

from collections.abc import Callable
from typing import Any

import numpy as np
import plotly.graph_objects as go
import polars as pl
from plotly.colors import sample_colorscale
from plotly.subplots import make_subplots

from tenrec.reporting.plots.base import Plot, bare_figure, styled
from tenrec.reporting.style import FAINT, INK, LEARNED, MUTED, PALETTE, translucent
from tenrec.reporting.tuning.data import TuneReport

CADENCE = "cadence_seconds"
COLORS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#6b4fa0")
SHADES = 8
LOWEST_SHARE = 0.02
"""Scores below this quantile of the trials do not stretch an axis."""
BROKEN = -1e8
"""Scores below this belong to sets that break a constraint."""


def history_plot(data: TuneReport) -> Plot:
    """Score of every trial, and the best so far."""
    figure = bare_figure(360, hovermode="closest")
    _history(figure, data)
    _score_axis(figure, **_trial_scores(data))
    figure.update_xaxes(title="Trial", zeroline=False)
    caption = (
        "Each point a trial; the line is the best score so far. The first trials are the best sets of the bulk pass."
    )
    return Plot("history", "Optimisation history", caption, figure)


def _history(figure: go.Figure, data: TuneReport, **place: Any) -> None:
    number, score = data.trials["number"].to_numpy(), data.trials["score"].to_numpy()
    figure.add_scatter(
        x=number, y=score, mode="markers", marker={"color": FAINT, "size": 6}, name="Trial", showlegend=False,
        hovertemplate="trial %{x}<br>score %{y:.3f}<extra></extra>", **place,
    )  # fmt: skip
    figure.add_scatter(
        x=number, y=np.maximum.accumulate(score), mode="lines", line={"color": LEARNED, "width": 2.5, "shape": "hv"},
        name="Best so far", showlegend=False, hovertemplate="best of %{x}: %{y:.3f}<extra></extra>", **place,
    )  # fmt: skip


def threshold_plot(data: TuneReport) -> Plot | None:
    """Delta threshold against score, a colour for each cadence."""
    if "delta_threshold" not in data.trials.columns:
        return None
    figure = bare_figure(380, hovermode="closest")
    _threshold(figure, data, legend=True)
    _score_axis(figure, **_all_scores(data))
    figure.update_xaxes(title="Delta threshold, share of notional", zeroline=False)
    return Plot(
        "threshold", "Cadence and threshold against score",
        "Small points: sets of the bulk pass. Large points: trials of the study.", figure,
    )  # fmt: skip


def _threshold(figure: go.Figure, data: TuneReport, *, legend: bool, **place: Any) -> None:
    for label, color, bulk, trials in _by_cadence(data):
        for table, size, alpha in ((bulk, 4, 0.45), (trials, 9, 0.95)):
            if table.height == 0:
                continue
            figure.add_scatter(
                x=_small(table, "delta_threshold"), y=_small(table, "score"),
                mode="markers", marker={"color": translucent(color, alpha), "size": size},
                name=label, legendgroup=label, showlegend=(legend and size == 9) or (legend and trials.height == 0),
                hovertemplate="threshold %{x:.3f}<br>score %{y:.3f}<extra>%{fullData.name}</extra>", **place,
            )  # fmt: skip


def _small(table: pl.DataFrame, column: str) -> np.ndarray:
    """A column in single precision: a figure shows no more, and the page is half as large."""
    return table[column].to_numpy().astype(np.float32)


def _by_cadence(data: TuneReport) -> list[tuple[str, str, pl.DataFrame, pl.DataFrame]]:
    """Label, colour, bulk sets and trials for each cadence; one group where cadences are not a few choices."""
    bulk = data.bulk.sample(min(data.bulk.height, 1500), seed=0) if data.bulk.height else data.trials.head(0)
    choices = sorted(data.trials[CADENCE].unique()) if CADENCE in data.trials.columns else []
    if not choices or len(choices) > len(COLORS):
        return [("All trials", LEARNED, bulk, data.trials)]
    if CADENCE in bulk.columns:
        choices = sorted({*choices, *bulk[CADENCE].unique()})
    parts = []
    for index, seconds in enumerate(choices):
        small = bulk.filter(pl.col(CADENCE) == seconds)
        parts.append(
            (_clock(seconds), COLORS[index % len(COLORS)], small, data.trials.filter(pl.col(CADENCE) == seconds))
        )
    return parts


def _clock(seconds: float) -> str:
    return f"{seconds:g} s" if seconds < 60 or seconds % 60 else f"{seconds / 60:g} min"


def cadence_plot(data: TuneReport) -> Plot | None:
    """How many trials went to each cadence."""
    if CADENCE not in data.trials.columns:
        return None
    figure = bare_figure(380)
    _cadences(figure, data)
    figure.update_xaxes(title="Cadence", type="category")
    figure.update_yaxes(title="Trials")
    return Plot("cadences", "Trials per cadence", "Where the search spent its trials.", figure)


def _cadences(figure: go.Figure, data: TuneReport, **place: Any) -> None:
    groups = _by_cadence(data)
    figure.add_bar(
        x=[label for label, *_ in groups], y=[trials.height for *_, trials in groups],
        marker={"color": [color for _, color, *_ in groups]}, showlegend=False,
        hovertemplate="%{x}: %{y} trials<extra></extra>", **place,
    )  # fmt: skip


def cost_plot(data: TuneReport) -> Plot:
    """Net P&L of a week against its cost."""
    figure = bare_figure(380, hovermode="closest")
    _costs(figure, data, bar=True)
    figure.update_xaxes(title="Cost of a week (USD)", zeroline=False)
    figure.update_yaxes(title="Net P&L of a week (USD)")
    return Plot(
        "cost",
        "P&L against cost",
        "Each point a trial, its colour its score; grey: the bulk pass. Means of the earlier weeks.",
        figure,
    )


def _costs(figure: go.Figure, data: TuneReport, *, bar: bool, **place: Any) -> None:
    trials = data.trials
    score = trials["score"].to_numpy()
    low = float(np.quantile(score, 0.1))
    marker = {
        "color": score, "cmin": low, "cmax": float(score.max()), "colorscale": "Viridis", "size": 8,
        "showscale": bar, "colorbar": {"title": {"text": "Score"}, "thickness": 12, "outlinewidth": 0},
    }  # fmt: skip
    cloud = data.bulk.sample(min(data.bulk.height, 1500), seed=0)
    if cloud.height:
        figure.add_scatter(
            x=_small(cloud, "cost"), y=_small(cloud, "net_pnl"), mode="markers", showlegend=False, hoverinfo="skip",
            marker={"color": translucent(FAINT, 0.35), "size": 4}, **place,
        )  # fmt: skip
    figure.add_scatter(
        x=trials["cost"].to_numpy(), y=trials["net_pnl"].to_numpy(), mode="markers", marker=marker, showlegend=False,
        hovertemplate="cost %{x:,.0f}<br>net P&L %{y:,.0f}<extra></extra>", **place,
    )  # fmt: skip


def importance_plot(data: TuneReport) -> Plot | None:
    """What each parameter explains of the score."""
    section = data.metrics.get("importance")
    if not section:
        return None
    labels = data.parameters
    items = sorted(section["alone"].items(), key=lambda item: item[1])
    names = ["several together", *(labels.get(name, name) for name, _ in items)]
    values = [100 * section["together"], *(100 * value for _, value in items)]
    figure = bare_figure(90 + 40 * len(names))
    figure.add_bar(
        x=values, y=names, orientation="h", marker={"color": [FAINT] + [LEARNED] * len(items)}, showlegend=False,
        text=[f"{value:.0f} %" for value in values], textposition="outside", cliponaxis=False,
        hovertemplate="%{y}: %{x:.1f} %<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(
        title="Share of the score's variance (%)", range=[0, max(105.0 if max(values) > 80 else 1.2 * max(values), 1.0)]
    )
    caption = f"Over {section['sets']:,} sets spread evenly: what a parameter explains alone, and what only several do."
    return Plot("importance", "Parameter importance", caption, figure)


def parallel_plot(data: TuneReport) -> Plot | None:
    """All trials as lines through their parameters, drawn as plain lines: parallel axes of Plotly need WebGL."""
    labels = data.parameters
    if len(labels) < 2:
        return None
    trials = data.trials.sort("score")
    axes = [_unit(trials[name].to_numpy()) for name in labels]
    score = trials["score"].to_numpy()
    low, high = _trial_scores(data).values()
    axes.append((np.clip((score - low) / max(high - low, 1e-12), 0, 1), [(0.0, _signed(low)), (1.0, _signed(high))]))
    figure = bare_figure(430, margin={"l": 40, "r": 56, "t": 44, "b": 16}, hovermode=False)
    heights = np.stack([place for place, _ in axes], axis=1)
    rank = np.arange(trials.height) * SHADES // trials.height
    for shade in range(SHADES):
        lines = heights[rank == shade]
        if not len(lines):
            continue
        broken = np.concatenate([lines, np.full((len(lines), 1), np.nan)], axis=1).ravel()
        x = np.tile(np.append(np.arange(len(axes)), np.nan), len(lines))
        color = sample_colorscale("Viridis", [shade / (SHADES - 1)])[0]
        figure.add_scatter(
            x=x, y=broken.astype(np.float32), mode="lines", showlegend=False,
            line={"color": color, "width": 1.0 + 1.2 * shade / SHADES}, opacity=0.35 + 0.55 * shade / SHADES,
        )  # fmt: skip
    for place, (label, (_, ticks)) in enumerate(zip([*labels.values(), "Score"], axes, strict=True)):
        figure.add_shape(type="line", x0=place, x1=place, y0=0, y1=1, line={"color": MUTED, "width": 1})
        small = {"showarrow": False, "x": place, "font": {"size": 11, "color": MUTED}}
        for height, text in ticks:
            figure.add_annotation(
                y=height, text=text, xanchor="left", xshift=5, bgcolor="rgba(255,255,255,0.75)", **small
            )
        figure.add_annotation(y=1.1, text=label, **{**small, "font": {"size": 12, "color": INK}})
    figure.update_xaxes(visible=False, range=[-0.15, len(axes) - 0.6])
    figure.update_yaxes(visible=False, range=[-0.05, 1.14])
    caption = "One line a trial; the brighter, the higher its score."
    return Plot("parallel", "Parallel coordinates", caption, figure)


def _signed(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")


def _unit(values: np.ndarray) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Heights between 0 and 1, and where which number stands; few values that repeat are spaced evenly."""
    distinct = np.unique(values)
    if len(distinct) == 1 or len(distinct) <= min(8, len(values) // 2):
        spread = max(len(distinct) - 1, 1)
        return np.searchsorted(distinct, values) / spread, [(i / spread, f"{v:g}") for i, v in enumerate(distinct)]
    low, high = float(distinct[0]), float(distinct[-1])
    ticks = [(share, f"{low + share * (high - low):.3g}") for share in (0.0, 0.5, 1.0)]
    return (values - low) / (high - low), ticks


def pareto_plot(data: TuneReport) -> Plot | None:
    """Risk against cost, and the sets that no other beats in both."""
    everything = pl.concat([data.bulk.select("error_std", "cost"), data.trials.select("error_std", "cost")])
    everything = everything.filter(pl.col("error_std").is_finite())
    if everything.height < 3 or everything["error_std"].max() == 0:
        return None
    ordered = everything.sort("error_std", "cost")
    front = ordered.with_columns(before=pl.col("cost").cum_min().shift(1)).filter(
        pl.col("before").is_null() | (pl.col("cost") < pl.col("before"))
    )
    figure = bare_figure(420, hovermode="closest")
    shown = everything.sample(min(everything.height, 2500), seed=0)
    figure.add_scatter(
        x=_small(shown, "cost"), y=_small(shown, "error_std"), mode="markers",
        marker={"color": translucent(FAINT, 0.5), "size": 4}, name="Sets", legendgroup="sets", showlegend=True,
        hovertemplate="cost %{x:,.0f}<br>risk %{y:,.0f}<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=front["cost"].to_numpy(), y=front["error_std"].to_numpy(), mode="lines+markers",
        line={"color": LEARNED, "width": 2}, marker={"size": 6}, name="Front", legendgroup="front", showlegend=True,
        hovertemplate="cost %{x:,.0f}<br>risk %{y:,.0f}<extra>front</extra>",
    )  # fmt: skip
    tuned = data.metrics["comparison"]["tuned"]["in_sample"]
    figure.add_scatter(
        x=[tuned["cost"]], y=[tuned["error_std"]], mode="markers",
        showlegend=True, name="Tuned set", legendgroup="tuned",
        marker={"color": PALETTE[3], "size": 13, "symbol": "diamond", "line": {"color": "white", "width": 1.5}},
        hovertemplate="tuned: cost %{x:,.0f}, risk %{y:,.0f}<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(title="Mean cost of a week (USD)", zeroline=False)
    low, high = (float(bound) for bound in np.quantile(everything["error_std"].to_numpy(), [0.0, 0.99]))
    pad = 0.08 * (high - low) or 1.0
    figure.update_yaxes(title="Std of a week's hedge error (USD)", zeroline=False, range=[low - pad, high + pad])
    return Plot(
        "pareto", "Risk against cost",
        "Hedge error: the week's P&L before costs. On the line lie the sets that no other beats in both.", figure,
    )  # fmt: skip


def samples_plot(data: TuneReport) -> Plot | None:
    """Score of every rival in and out of sample."""
    entries = data.metrics["comparison"]
    labels = [entry["label"] for entry in entries.values()][::-1]
    figure = make_subplots(
        rows=1, cols=2, shared_yaxes=True, horizontal_spacing=0.06, subplot_titles=["Score", "Net P&L of a week (USD)"]
    )
    for sample, name, color, symbol in (
        ("in_sample", "In sample", FAINT, "circle"),
        ("out_of_sample", "Out of sample", LEARNED, "diamond"),
    ):
        rows = [entry[sample] for entry in entries.values()][::-1]
        if rows[0] is None:
            continue
        marker = {"color": color, "size": 10, "symbol": symbol}
        common = {"mode": "markers", "marker": marker, "name": name, "legendgroup": sample, "y": labels}
        figure.add_scatter(
            x=[row["score"] for row in rows], showlegend=True, row=1, col=1,
            hovertemplate="%{y}: %{x:.2f}<extra>%{fullData.name}</extra>", **common,
        )  # fmt: skip
        spread = {
            "type": "data", "symmetric": False, "color": color, "thickness": 1.5, "width": 4,
            "array": [row["net_pnl_high"] - row["net_pnl"] for row in rows],
            "arrayminus": [row["net_pnl"] - row["net_pnl_low"] for row in rows],
        }  # fmt: skip
        figure.add_scatter(
            x=[row["net_pnl"] for row in rows], error_x=spread, showlegend=False, row=1, col=2,
            hovertemplate="%{y}: %{x:,.0f}<extra>%{fullData.name}</extra>", **common,
        )  # fmt: skip
    figure = styled(figure, 110 + 34 * len(labels), margin={"l": 12, "r": 16, "t": 36, "b": 12}, hovermode="closest")
    caption = (
        "The same weeks for all. Bars: 95 % intervals of the mean over weeks; scores compare within a sample only."
    )
    return Plot("samples", "In sample and out of sample", caption, figure)


def forward_plot(data: TuneReport) -> Plot | None:
    """Net P&L week by week: tuned once, re-tuned before each week, and by the default rule."""
    if data.walk_forward.height < 2:
        return None
    figure = bare_figure(360, hovermode="x")
    lines = [("tuned", "Tuned once", LEARNED, "solid"), ("default", "Default rule", INK, "dash")]
    for key, name, color, dash in lines:
        rows = data.windows.filter(pl.col("rival") == key).sort("window")
        figure.add_scatter(
            x=(rows["window"] + 1).to_numpy(), y=rows["net_pnl"].to_numpy(), mode="lines+markers", name=name,
            legendgroup=key, showlegend=True, line={"color": color, "dash": dash, "width": 2},
            hovertemplate="%{y:,.0f}<extra>%{fullData.name}</extra>",
        )  # fmt: skip
    forward = data.walk_forward
    figure.add_scatter(
        x=(forward["window"] + 1).to_numpy(), y=forward["wealth"].to_numpy(), mode="lines+markers",
        name="Re-tuned before each week", legendgroup="forward", showlegend=True,
        line={"color": PALETTE[1], "width": 2},
        hovertemplate="%{y:,.0f}<extra>%{fullData.name}</extra>",
    )  # fmt: skip
    begin = data.metrics["windows"]["in_sample"]
    if data.metrics["windows"]["out_of_sample"]:
        figure.add_vline(x=begin + 0.5, line={"color": MUTED, "width": 1, "dash": "dot"})
        figure.add_annotation(
            x=begin + 0.5, y=1, yref="paper", yanchor="bottom", text="out of sample →", showarrow=False,
            xanchor="left", font={"size": 11.5, "color": MUTED},
        )  # fmt: skip
    figure.update_layout(margin={"t": 30})
    figure.update_xaxes(title="Week", zeroline=False)
    figure.update_yaxes(title="Net P&L of the week (USD)")
    caption = "Re-tuned: before each week the set that was best on all weeks before it."
    return Plot("walk_forward", "Week by week", caption, figure)


def replay_plot(data: TuneReport) -> Plot | None:
    """The best week tick by tick."""
    if data.replay.height == 0:
        return None
    return week_plot("replay", f"Best week: {data.replay_title}", "The tuned rule, tick by tick.", data.replay)


def week_plot(name: str, title: str, caption: str, table: pl.DataFrame) -> Plot:
    """Price, net delta, hedges and P&L of one week."""
    titles = ["Price (USD)", "Net delta after the hedge (units)", "Hedges (units)", "Net P&L (USD)"]
    figure = make_subplots(
        rows=4,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.055,
        row_heights=[0.27, 0.24, 0.2, 0.29],
        subplot_titles=titles,
    )
    hours = (table["time_hours"] / 24).to_numpy().astype(np.float32)
    plain = {"mode": "lines", "showlegend": False, "x": hours, "col": 1}
    figure.add_scatter(
        y=table["price"].to_numpy().astype(np.float32),
        row=1,
        line={"color": INK, "width": 1.25},
        hovertemplate="%{y:,.0f}<extra></extra>",
        **plain,
    )
    figure.add_scatter(
        y=table["net_delta"].to_numpy().astype(np.float32),
        row=2,
        line={"color": MUTED, "width": 1},
        hovertemplate="%{y:.4f}<extra></extra>",
        **plain,
    )
    traded = table.filter(pl.col("trade") != 0)
    stems_x = np.repeat((traded["time_hours"] / 24).to_numpy().astype(np.float32), 3)
    stems_y = np.stack(
        [np.zeros(traded.height), traded["trade"].to_numpy(), np.full(traded.height, np.nan)], axis=1
    ).ravel()
    figure.add_scatter(
        x=stems_x, y=stems_y.astype(np.float32), mode="lines", line={"color": LEARNED, "width": 1}, showlegend=False,
        hovertemplate="%{y:+.4f}<extra></extra>", row=3, col=1,
    )  # fmt: skip
    figure.add_scatter(
        y=table["pnl"].to_numpy().astype(np.float32),
        row=4,
        line={"color": PALETTE[1], "width": 1.75},
        hovertemplate="%{y:,.0f}<extra></extra>",
        **plain,
    )
    figure = styled(figure, 760, margin={"l": 12, "r": 16, "t": 32, "b": 12}, hovermode="x")
    figure.update_annotations(x=0, xanchor="left")
    figure.update_xaxes(title="Days since the start of the week", row=4, col=1)
    return Plot(name, title, caption, figure)


def _score_axis(figure: go.Figure, *, low: float, high: float, **place: Any) -> None:
    pad = 0.08 * (high - low) or 0.5
    figure.update_yaxes(title="Score", range=[low - pad, high + pad], **place)


def _trial_scores(data: TuneReport) -> dict[str, float]:
    """Lowest and highest score of the trials that an axis shows."""
    score = _feasible(data.trials["score"].to_numpy())
    return {"low": float(np.quantile(score, LOWEST_SHARE)), "high": float(score.max())}


def _all_scores(data: TuneReport) -> dict[str, float]:
    """The same with the better half of the bulk pass at every cadence, so that none of the colours is out of sight."""
    limits = _trial_scores(data)
    shown = [_feasible(bulk["score"].to_numpy()) for _, _, bulk, _ in _by_cadence(data) if bulk.height]
    lows = [float(np.median(score)) for score in shown]
    return {**limits, "low": min([limits["low"], *lows])}


def _feasible(score: np.ndarray) -> np.ndarray:
    """Scores of the sets that keep every constraint; all of them where none does."""
    kept = score[score > BROKEN]
    return kept if len(kept) else score


BUILDERS: tuple[Callable[[TuneReport], Plot | None], ...] = (
    samples_plot, history_plot, threshold_plot, cadence_plot, cost_plot, importance_plot, parallel_plot, pareto_plot,
    forward_plot, replay_plot,
)  # fmt: skip


def tune_plots(data: TuneReport) -> dict[str, Plot]:
    """Every plot that the data has content for, by name."""
    built = (build(data) for build in BUILDERS)
    return {plot.name: plot for plot in built if plot is not None}


def overview(data: TuneReport) -> go.Figure:
    """Four panels on one picture: history, trials per cadence, threshold against score, P&L against cost."""
    titles = [
        "Optimisation history",
        "Trials per cadence",
        "Threshold against score, by cadence",
        "Net P&L against cost",
    ]
    figure = make_subplots(rows=2, cols=2, subplot_titles=titles, horizontal_spacing=0.1, vertical_spacing=0.16)
    _history(figure, data, row=1, col=1)
    if CADENCE in data.trials.columns:
        _cadences(figure, data, row=1, col=2)
    if "delta_threshold" in data.trials.columns:
        _threshold(figure, data, legend=True, row=2, col=1)
    _costs(figure, data, bar=False, row=2, col=2)
    figure = styled(figure, 820, margin={"l": 24, "r": 24, "t": 96, "b": 24})
    figure.update_layout(
        showlegend=True, title={"text": data.title, "y": 0.975, "yanchor": "top"},
        legend={"orientation": "h", "x": 0, "y": -0.1, "title": {"text": "Cadence "}},
    )  # fmt: skip
    _score_axis(figure, **_trial_scores(data), row=1, col=1)
    _score_axis(figure, **_all_scores(data), row=2, col=1)
    figure.update_xaxes(title="Trial", row=1, col=1)
    figure.update_xaxes(title="Cadence", type="category", row=1, col=2)
    figure.update_yaxes(title="Trials", row=1, col=2)
    figure.update_xaxes(title="Delta threshold, share of notional", row=2, col=1)
    figure.update_xaxes(title="Cost of a week (USD)", row=2, col=2)
    figure.update_yaxes(title="Net P&L of a week (USD)", row=2, col=2)
    return figure
