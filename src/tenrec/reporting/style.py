"""One look for all figures: a colour and a line for each policy, and the Plotly template."""

import html
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from tenrec.reporting.data import ReportData

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
INK = "#1f2933"
MUTED = "#616e7c"
FAINT = "#9aa5b1"
GRID = "#e9edf2"
LEARNED = "#0072b2"

# Okabe and Ito's colour-blind-safe set without its yellow, which is too pale for lines on white, and two more that
# stay apart from it under deuteranopia.
PALETTE = ("#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#6b4fa0", "#8c6d1f")
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class PolicyStyle:
    """How a policy looks in every figure.

    Args:
        name: its key in the metrics.
        label: its name for readers, unescaped.
        color, dash, width: its line.
        shown: drawn at first where a figure would be too full with all policies.
    """

    name: str
    label: str
    color: str
    dash: str
    width: float
    shown: bool

    @property
    def text(self) -> str:
        """The label, safe in HTML and in Plotly's text, which reads tags too."""
        return html.escape(self.label)

    @property
    def line(self) -> dict[str, Any]:
        return {"color": self.color, "dash": self.dash, "width": self.width}

    def fill(self, alpha: float) -> str:
        """The colour, translucent."""
        return translucent(self.color, alpha)


def translucent(color: str, alpha: float) -> str:
    """A `#rrggbb` colour as rgba.

    Example:
        >>> translucent("#0072b2", 0.25)
        'rgba(0, 114, 178, 0.25)'
    """
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha:g})"


def policy_styles(data: ReportData) -> dict[str, PolicyStyle]:
    """The style of every policy, in the order of the metrics.

    The learned policy is blue, the reference dark and dashed, no hedge grey; the others take the palette in turn.
    """
    policies = data.metrics.get("policies", {})
    learned, reference = data.metrics.get("learned"), data.metrics.get("reference")
    fixed = {learned: (LEARNED, "solid", 2.75), reference: (INK, "dash", 2.0), "no_hedge": (FAINT, "solid", 1.75)}
    styles: dict[str, PolicyStyle] = {}
    taken = 0
    for name in _ordered([*policies, *data.pnl_bp]):
        if name in fixed:
            color, dash, width = fixed[name]
        else:
            color, dash = PALETTE[taken % len(PALETTE)], DASHES[taken // len(PALETTE) % len(DASHES)]
            width, taken = 1.75, taken + 1
        label = str(policies.get(name, {}).get("label") or name)
        styles[name] = PolicyStyle(name, label, color, dash, width, shown=name in (learned, reference))
    return styles


def _ordered(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def template() -> go.layout.Template:
    """White ground, thin grid, system font."""
    axis = {
        "gridcolor": GRID,
        "linecolor": "#cbd2d9",
        "zerolinecolor": "#cbd2d9",
        "zerolinewidth": 1,
        "ticks": "",
        "automargin": True,
        "title": {"font": {"size": 12, "color": MUTED}, "standoff": 10},
        "tickfont": {"size": 11.5, "color": MUTED},
    }
    layout = {
        "font": {"family": FONT, "size": 12.5, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "colorway": [LEARNED, *PALETTE],
        "xaxis": axis,
        "yaxis": axis,
        "hoverlabel": {"bgcolor": "#ffffff", "bordercolor": "#cbd2d9", "font": {"family": FONT, "color": INK}},
        "margin": {"l": 12, "r": 16, "t": 12, "b": 12},
        "legend": {"font": {"size": 12}},
        "title": {"font": {"size": 18, "color": INK}, "x": 0.01, "xanchor": "left"},
        "bargap": 0.25,
    }
    return go.layout.Template(layout=layout)


TEMPLATE = template()
