"""Hedge ratio against spot, one panel for each time to maturity."""

import math
from typing import Any

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from tenrec.reporting.data import HedgeCurve, ReportData
from tenrec.reporting.plots.base import Plot, styled, with_unit
from tenrec.reporting.style import PolicyStyle
from tenrec.reporting.text import days_text

NARROW_COLUMNS = 1


def hedge_ratio_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """Every policy beside the reference delta, with the no-trade band of those that have one."""
    curves = data.hedge_curves
    if not curves:
        return None
    wide = min(len(curves), 3 if len(curves) != 4 else 2)
    unit = str(data.metrics.get("currency") or "")
    caption = "Units of the underlying held per option."
    if any(curve.band for curve in curves):
        caption += (
            " The shaded area is a no-trade band: inside it the position is left alone, outside it is moved to the "
            "nearer edge."
        )
    caption = f"{caption} {data.curves_note}".strip()
    titles = [f"{days_text(curve.days_to_maturity)} to maturity" for curve in curves]
    return Plot(
        "hedge_ratio",
        "Hedge ratio against spot",
        caption,
        _panels(curves, titles, styles, unit, wide),
        _panels(curves, titles, styles, unit, NARROW_COLUMNS) if wide > NARROW_COLUMNS else None,
    )


def further_ratio_plot(data: ReportData, styles: dict[str, PolicyStyle]) -> Plot | None:
    """Units of every instrument after the first."""
    pairs = [
        (name, HedgeCurve(curve.days_to_maturity, curve.spot, curve.further[place]))
        for place, name in enumerate(data.instruments[1:])
        for curve in data.hedge_curves
        if len(curve.further) > place
    ]
    if not pairs:
        return None
    curves = tuple(curve for _, curve in pairs)
    titles = [f"{name}, {days_text(curve.days_to_maturity)} to maturity" for name, curve in pairs]
    unit = str(data.metrics.get("currency") or "")
    caption = "Units held per option of the instruments after the first. " + (
        "Listed options are struck as if they had been listed at the initial spot."
    ) * any("listed" in name for name in data.instruments)
    wide, narrow = (_panels(curves, titles, styles, unit, columns) for columns in (2, NARROW_COLUMNS))
    return Plot("further_ratio", "Other instruments against spot", caption.strip(), wide, narrow)


def _panels(
    curves: tuple[HedgeCurve, ...], titles: list[str], styles: dict[str, PolicyStyle], unit: str, columns: int
) -> go.Figure:
    rows = math.ceil(len(curves) / columns)
    height = (300 if columns > 1 else 230) * rows + 50
    figure = make_subplots(
        rows=rows,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.045,
        vertical_spacing=86 / height if rows > 1 else 0.0,
        subplot_titles=titles,
    )
    for index, curve in enumerate(curves):
        place: dict[str, Any] = {"row": index // columns + 1, "col": index % columns + 1}
        for style in styles.values():
            _add_policy(figure, curve, style, place, first=index == 0, alone=not _any_shown(curve, styles))
        figure.update_xaxes(title=with_unit("Spot", unit), **place)
        if place["col"] == 1:
            figure.update_yaxes(title="Hedge ratio (units per option)", **place)
    return styled(figure, height, margin={"l": 12, "r": 16, "t": 34, "b": 12}, hovermode="x")


def _any_shown(curve: HedgeCurve, styles: dict[str, PolicyStyle]) -> bool:
    return any(style.shown and (name in curve.ratio or name in curve.band) for name, style in styles.items())


def _add_policy(
    figure: go.Figure, curve: HedgeCurve, style: PolicyStyle, place: dict[str, Any], *, first: bool, alone: bool
) -> None:
    common = {
        "name": style.text,
        "legendgroup": style.name,
        "visible": True if style.shown or alone else "legendonly",
    }
    if style.name in curve.band:
        for edge, (label, values) in enumerate(zip(("lower", "upper"), curve.band[style.name], strict=True)):
            figure.add_scatter(
                x=curve.spot, y=np.asarray(values), mode="lines", line={"color": style.color, "width": 1.75},
                fill="tonexty" if edge else None, fillcolor=style.fill(0.16), showlegend=first and edge == 1,
                hovertemplate=f"{label} edge %{{y:.3f}}<extra>%{{fullData.name}}</extra>", **common, **place,
            )  # fmt: skip
    elif style.name in curve.ratio:
        figure.add_scatter(
            x=curve.spot, y=np.asarray(curve.ratio[style.name]), mode="lines", line=style.line, showlegend=first,
            hovertemplate="%{y:.3f}<extra>%{fullData.name}</extra>", **common, **place,
        )  # fmt: skip
