"""One path, date by date: spot, position, trades and P&L above each other."""

from typing import Any

import plotly.graph_objects as go
import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.data import ReportData
from tenrec.reporting.plots.base import Plot, styled, with_unit
from tenrec.reporting.style import INK, MUTED, PolicyStyle


def replay_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """What each policy held, traded and earned on the same path."""
    tables = {name: table for name, table in data.replay.items() if name in styles and table.height}
    if not tables:
        return None
    unit = str(data.metrics.get("currency") or "")
    first = next(iter(tables.values()))
    marked = "mark" in first.columns
    titles = [with_unit("Spot", unit), *([with_unit("Option mark", unit)] if marked else []), *_held(data, first)]
    titles.append(with_unit("P&L, marked to market", unit))
    heights = [0.24, *([0.14] if marked else []), *([0.28] * (len(titles) - 3 - marked)), 0.18, 0.30]
    shares = [height / sum(heights) for height in heights]
    figure = make_subplots(
        rows=len(titles),
        cols=1,
        shared_xaxes=True,
        vertical_spacing=0.22 / len(titles),
        row_heights=shares,
        subplot_titles=titles,
    )
    date, top = _dates(first), {"row": 1, "col": 1}
    figure.add_scatter(x=date, y=first["spot"].to_numpy(), name="Spot", line={"color": INK, "width": 2}, **_plain(top))
    if marked:
        line = {"color": MUTED, "width": 2}
        figure.add_scatter(x=date, y=first["mark"].to_numpy(), name="Mark", line=line, **_plain({"row": 2, "col": 1}))
    alone = not any(styles[name].shown for name in tables)
    for name, style in styles.items():
        if name in tables:
            _add_policy(figure, tables[name], style, 2 + marked, shown=style.shown or alone)
    figure = styled(
        figure,
        (180 if len(titles) == 4 else 164) * len(titles),
        margin={"l": 12, "r": 16, "t": 32, "b": 12},
        hovermode="x",
        bargap=0.3,
    )
    figure.update_annotations(x=0, xanchor="left")
    figure.update_xaxes(title="Step" if first["date"].dtype.is_integer() else "Date", row=len(titles), col=1)
    figure.update_xaxes(showspikes=True, spikemode="across", spikethickness=1, spikecolor="#cbd2d9", spikedash="solid")
    return Plot("replay", data.replay_title, "The same path for every policy; trades are at each date's price.", figure)


def _held(data: ReportData, table: pl.DataFrame) -> list[str]:
    """Headings of the positions, one for each instrument, and of the trades in the first."""
    further = [name for name in table.columns if name.startswith("position_")]
    if not further:
        return ["Position (units)", "Trades (units)"]
    names = [*data.instruments, *further][: len(further) + 1]
    return [*(f"Position: {name} (units)" for name in names), f"Trades: {names[0]} (units)"]


def _dates(table: pl.DataFrame) -> list[Any]:
    return table["date"].to_list()


def _plain(place: dict[str, int]) -> dict[str, Any]:
    return {"mode": "lines", "showlegend": False, "hovertemplate": "%{y:,.4~g}<extra>%{fullData.name}</extra>", **place}


def _add_policy(figure: go.Figure, table: pl.DataFrame, style: PolicyStyle, row: int, *, shown: bool) -> None:
    date = _dates(table)
    common = {"name": style.text, "legendgroup": style.name, "visible": True if shown else "legendonly", "col": 1}
    positions = [name for name in table.columns if name == "position" or name.startswith("position_")]
    for place, name in enumerate(positions):
        figure.add_scatter(
            x=date, y=table[name].to_numpy(), mode="lines", line={**style.line, "shape": "hv"}, showlegend=place == 0,
            hovertemplate="%{y:,.4f}<extra>%{fullData.name}</extra>", row=row + place, **common,
        )  # fmt: skip
    row += len(positions) - 1
    figure.add_bar(
        x=date, y=table["trade"].to_numpy(), marker={"color": style.color, "line": {"width": 0}}, showlegend=False,
        customdata=table["cost"].to_numpy(),
        hovertemplate="%{y:+,.4f}, cost %{customdata:.3~g}<extra>%{fullData.name}</extra>", row=row + 1, **common,
    )  # fmt: skip
    figure.add_scatter(
        x=date, y=table["pnl"].to_numpy(), mode="lines", line=style.line, showlegend=False,
        hovertemplate="%{y:,.4~g}<extra>%{fullData.name}</extra>", row=row + 2, **common,
    )  # fmt: skip
