"""Numbers and names as a reader wants them."""

import html
import math
from collections.abc import Iterable, Mapping
from typing import Any

MINUS = "\N{MINUS SIGN}"

MEASURES = {
    "entropic": "Entropic risk",
    "cvar": "Expected shortfall",
    "quadratic": "Mean squared error",
    "mean_variance": "Mean–variance",
    "mean_std": "Mean + k·std",
    "quadratic_cvar": "Quadratic CVaR",
    "semi_quadratic": "Mean squared positive loss",
    "power": "Norm of the losses",
    "expectile": "Expectile",
    "spectral": "Spectral risk",
    "worst_case": "Worst loss",
}


def number(value: float | int | None, decimals: int = 1) -> str:
    """A number with thousands separated and a true minus sign; a dash where there is none.

    Example:
        >>> number(-1234.567, 1), number(None), number(-0.001, 1)
        ('−1,234.6', '–', '0.0')
    """
    if value is None or not math.isfinite(value):
        return "–"
    text = f"{value:,.{decimals}f}"
    if float(text.replace(",", "")) == 0:
        text = text.lstrip("-")
    return text.replace("-", MINUS)


def estimate(value: Any) -> tuple[float | None, float | None, float | None]:
    """Value, low and high of an interval `{"value", "low", "high"}` or of a bare number."""
    if isinstance(value, Mapping):
        return value.get("value"), value.get("low"), value.get("high")
    return value, None, None


def decimals_of(values: Iterable[Any]) -> int:
    """Decimals for a column of estimates: two figures of the finest half-width, else four figures of the largest value.

    Example:
        >>> decimals_of([{"value": 95.0, "low": 88.0, "high": 102.0}]), decimals_of([0.15, 9.8])
        (1, 2)
    """
    estimates = [estimate(value) for value in values]
    halves = [(high - low) / 2 for _, low, high in estimates if low is not None and high is not None and high > low]
    if halves:
        return int(min(max(1 - math.floor(math.log10(min(halves))), 0), 3))
    sizes = [abs(value) for value, _, _ in estimates if value is not None and math.isfinite(value)]
    largest = max(sizes, default=0.0)
    return 0 if largest >= 1000 else 1 if largest >= 100 else 2


def interval(value: Any, decimals: int) -> str:
    """`[low, high]`, or nothing where there is no interval."""
    _, low, high = estimate(value)
    if low is None or high is None:
        return ""
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def risk_name(risk: Mapping[str, Any] | None) -> str:
    """A risk measure with its parameters, such as `Entropic risk (aversion 20)`.

    Example:
        >>> risk_name({"measure": "cvar", "level": 0.9})
        'Expected shortfall (level 0.9)'
    """
    if not risk:
        return "Risk"
    measure = str(risk.get("measure", "risk"))
    name = MEASURES.get(measure, measure.replace("_", " ").capitalize())
    parameters = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in risk.items() if key != "measure")
    return f"{name} ({parameters})" if parameters else name


def plain(value: Any) -> str:
    """Any value of the metrics as short text."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}".replace("-", MINUS)
    if isinstance(value, float):
        return f"{value:,.4g}".replace("-", MINUS)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value)
    return str(value)


def days_text(days: float) -> str:
    """A number of days: `12 days`, `1 day`, `0.5 days`."""
    text = f"{days:g}"
    return f"{text} day" if days == 1 else f"{text} days"


def escape(value: Any) -> str:
    """Text that is safe in HTML, in attributes too."""
    return html.escape(str(value))
