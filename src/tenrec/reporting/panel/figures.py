"""The figures of a panel backtest."""

from typing import Any

import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.plots.base import Plot, bare_figure, styled, with_unit
from tenrec.reporting.style import DASHES, FAINT, INK, LEARNED, PALETTE


def gains_plot(metrics: dict[str, Any]) -> Plot:
    """Every delta's judged gain with its interval, and the same without the extremes."""
    gains = metrics["one_session"]["gains"]
    names = [name for name in gains if name != "no_hedge"]
    labels = [metrics["labels"][name] for name in names]
    figure = bare_figure(90 + 44 * len(names))
    for heading, keys, color, shift in (
        ("all sessions", ("value", "low", "high"), LEARNED, 0.12),
        ("without extremes", ("without_extremes", "without_low", "without_high"), PALETTE[0], -0.12),
    ):
        value, low, high = ([gains[name][key] for name in names] for key in keys)
        figure.add_scatter(
            x=value, y=[place + shift for place in range(len(names))], mode="markers", name=heading,
            legendgroup=heading, showlegend=True, marker={"color": color, "size": 9},
            error_x={
                "array": [h - v for h, v in zip(high, value, strict=True)],
                "arrayminus": [v - least for v, least in zip(value, low, strict=True)],
                "color": color, "thickness": 1.5,
            },
            customdata=labels, hovertemplate="%{customdata}: %{x:.1f} %<extra></extra>",
        )  # fmt: skip
    figure.add_vline(x=0, line={"color": INK, "width": 1})
    figure.update_yaxes(tickvals=list(range(len(names))), ticktext=labels, autorange="reversed", zeroline=False)
    figure.update_xaxes(title="Gain over Black–Scholes (%)")
    return Plot("gains", "Gain with 95 % interval", "Right of zero is better than the Black–Scholes delta.", figure)


def bucket_plot(buckets: pl.DataFrame, metrics: dict[str, Any]) -> Plot:
    """The chosen delta's gain by maturity and moneyness."""
    own = buckets.filter(pl.col("policy") == metrics["shown"]) if buckets.height else buckets
    rows = own["maturity"].unique(maintain_order=True).to_list() if own.height else []
    columns = own["moneyness"].unique(maintain_order=True).to_list() if own.height else []
    table = {(row["maturity"], row["moneyness"]): row for row in own.iter_rows(named=True)}
    cells = [[table.get((row, column)) for column in columns] for row in rows]
    figure = bare_figure(120 + 52 * len(rows))
    figure.add_heatmap(
        z=[[None if cell is None else cell["value"] for cell in line] for line in cells], x=columns, y=rows, zmid=0,
        colorscale=[[0, PALETTE[3]], [0.5, "#ffffff"], [1, LEARNED]], showscale=False, xgap=2, ygap=2,
        text=[[_cell(cell) for cell in line] for line in cells], texttemplate="%{text}", hoverinfo="skip",
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(side="top", showgrid=False)
    caption = "Gain in percent, below it the 95 % interval and the number of steps."
    return Plot("buckets", f"By maturity and moneyness: {metrics['labels'][metrics['shown']]}", caption, figure)


def _cell(cell: dict[str, Any] | None) -> str:
    if cell is None:
        return ""
    return f"<b>{cell['value']:.0f}</b><br>[{cell['low']:.0f}, {cell['high']:.0f}] · {cell['rows']:,}"


def days_plot(days: pl.DataFrame, metrics: dict[str, Any]) -> Plot:
    """What the chosen delta saved, session by session, summed up."""
    figure = bare_figure(340)
    saved = ((days["reference"] - days["chosen"]) / days["reference"].sum() * 100.0).to_list()
    figure.add_bar(
        x=days["date"].to_list(), y=saved, marker={"color": [LEARNED if v >= 0 else PALETTE[3] for v in saved]},
        name="of the session", customdata=(100 * days["move"]).to_list(),
        hovertemplate="%{x|%Y-%m-%d}: %{y:+.2f} %, forward %{customdata:+.1f} %<extra></extra>",
    )  # fmt: skip
    figure.add_scatter(
        x=days["date"].to_list(), y=pl.Series(saved).cum_sum().to_list(), mode="lines", name="summed up",
        line={"color": INK, "width": 1.75}, hovertemplate="%{y:.1f} %<extra>summed up</extra>",
    )  # fmt: skip
    figure.update_yaxes(title="Share of the Black–Scholes SSE (%)")
    caption = f"Squared error saved by {metrics['labels'][metrics['shown']]}; the line sums it up."
    return Plot("days", "Session by session", caption, figure)


def over_time_plot(book: pl.DataFrame, metrics: dict[str, Any]) -> Plot:
    """Net position and P&L of the whole book of contracts."""
    unit = metrics["currency"]
    held = f"contracts of 1 {metrics['coin_quote']}" if metrics["coin"] else "units of the underlying"
    titles = [f"Net position ({held})", with_unit("P&L since the beginning", unit)]
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.09, subplot_titles=titles)
    for number, (name, label) in enumerate(metrics["labels"].items()):
        table = book.filter(pl.col("policy") == name)
        shown = name in (metrics["shown"], metrics["reference"], "no_hedge")
        common = {
            "x": table["date"].to_list(), "name": label, "legendgroup": name, "line": _line(name, number, metrics),
            "mode": "lines", "visible": True if shown else "legendonly",
        }  # fmt: skip
        figure.add_scatter(y=table["position"].to_list(), showlegend=True, row=1, col=1, **common)
        figure.add_scatter(y=table["pnl"].to_list(), showlegend=False, row=2, col=1, **common)
    figure = styled(figure, 560, margin={"l": 12, "r": 16, "t": 32, "b": 12}, hovermode="x")
    caption = "All contracts that were open at each date together; P&L is marked at the quotes, after costs."
    return Plot("over_time", "Positions and P&L over time", caption, figure)


def contract_plot(contract: pl.DataFrame, metrics: dict[str, Any]) -> Plot:
    """One contract from its entry to its expiry."""
    quoted = metrics["coin_quote"] if metrics["coin"] else metrics["currency"]
    titles = [
        with_unit("Forward", quoted),
        "Position (contracts)" if metrics["coin"] else "Position (units)",
        with_unit("P&L", metrics["currency"]),
    ]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.07, subplot_titles=titles)
    first = contract.filter(pl.col("policy") == metrics["reference"])
    figure.add_scatter(
        x=first["date"].to_list(), y=first["forward"].to_list(), mode="lines", line={"color": INK, "width": 2},
        name="Forward", showlegend=False, row=1, col=1,
    )  # fmt: skip
    for number, (name, label) in enumerate(metrics["labels"].items()):
        table = contract.filter(pl.col("policy") == name)
        shown = name in (metrics["shown"], metrics["reference"])
        line = _line(name, number, metrics)
        common = {"x": table["date"].to_list(), "name": label, "legendgroup": name, "mode": "lines"}
        common["visible"] = True if shown else "legendonly"
        held = {**line, "shape": "hv"}
        figure.add_scatter(y=table["position"].to_list(), line=held, showlegend=True, row=2, col=1, **common)
        figure.add_scatter(y=table["pnl"].to_list(), line=line, showlegend=False, row=3, col=1, **common)
    figure = styled(figure, 620, margin={"l": 12, "r": 16, "t": 32, "b": 12}, hovermode="x")
    name = first["contract"][0]
    caption = f"The one whose hedge {metrics['labels'][metrics['shown']]} changed most."
    return Plot("contract", f"One contract: {name}", caption, figure)


def _line(name: str, number: int, metrics: dict[str, Any]) -> dict[str, Any]:
    if name == metrics["shown"]:
        return {"color": LEARNED, "width": 2.5}
    if name == metrics["reference"]:
        return {"color": INK, "width": 1.75, "dash": "dash"}
    if name == "no_hedge":
        return {"color": FAINT, "width": 1.5}
    return {"color": PALETTE[number % len(PALETTE)], "width": 1.5, "dash": DASHES[number // len(PALETTE) % len(DASHES)]}
