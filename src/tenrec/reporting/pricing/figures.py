"""Figures of a fitted option chain."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
import polars as pl
from plotly.subplots import make_subplots

from tenrec.reporting.plots import Plot
from tenrec.reporting.plots.base import bare_figure, styled
from tenrec.reporting.style import INK, LEARNED, MUTED, PALETTE

SHOWN = 9
GREEKS = ("delta", "gamma", "vega", "theta", "vanna", "volga")


@runtime_checkable
class Pricer(Protocol):
    """What the figures ask of a fitted chain."""

    def forward(self, maturity: Any) -> np.ndarray: ...
    def greeks(self, *, strike: Any, maturity: Any, **more: Any) -> dict[str, np.ndarray]: ...
    def implied_volatility(self, *, strike: Any, maturity: Any, **more: Any) -> np.ndarray: ...
    def density(self, *, strike: Any, maturity: Any, **more: Any) -> np.ndarray: ...


def price_plots(pricer: Pricer, quotes: pl.DataFrame) -> dict[str, Plot]:
    """Every figure of the report by its name."""
    every = quotes["maturity"].unique().sort().to_numpy()
    chosen = every[np.unique(np.linspace(0, every.size - 1, min(SHOWN, every.size)).astype(int))]
    made = (_smiles(pricer, quotes, chosen), _surface(pricer, quotes, every), _residuals(quotes),
            _density(pricer, quotes, chosen), _greeks(pricer, quotes, chosen))  # fmt: skip
    return {plot.name: plot for plot in made}


def _strikes(quotes: pl.DataFrame, maturity: float, count: int = 61) -> np.ndarray:
    strike = quotes.filter(pl.col("maturity") == maturity)["strike"].to_numpy()
    return np.linspace(strike.min() * 0.99, strike.max() * 1.01, count)


def _reach(pricer: Pricer, quotes: pl.DataFrame, chosen: np.ndarray, count: int) -> np.ndarray:
    """Strikes from 3.5 standard deviations below the forward to 2.5 above it, whatever is quoted; a row a maturity."""
    near = quotes.sort(pl.col("log_moneyness").abs()).unique("maturity", keep="first").sort("maturity")
    level = np.interp(chosen, near["maturity"].to_numpy(), near["fitted"].to_numpy())
    deviation = level * np.sqrt(chosen)
    return pricer.forward(chosen)[:, None] * np.exp(deviation[:, None] * np.linspace(-3.5, 2.5, count))


def _wide(maturity: np.ndarray, strike: np.ndarray) -> np.ndarray:
    return np.broadcast_to(maturity[:, None], strike.shape)


def _smiles(pricer: Pricer, quotes: pl.DataFrame, chosen: np.ndarray) -> Plot:
    rows = -(-chosen.size // 3)
    titles = [f"{365 * maturity:.0f} days" for maturity in chosen]
    figure = make_subplots(rows=rows, cols=3, subplot_titles=titles, vertical_spacing=0.11, horizontal_spacing=0.06)
    strikes = np.stack([_strikes(quotes, maturity) for maturity in chosen])
    fitted = 100 * pricer.implied_volatility(strike=strikes, maturity=_wide(chosen, strikes))
    for place, maturity in enumerate(chosen):
        at: dict[str, Any] = {"row": place // 3 + 1, "col": place % 3 + 1}
        part = quotes.filter(pl.col("maturity") == maturity)
        middle = part["volatility"].to_numpy() * 100
        up = 100 * (part["volatility_ask"] - part["volatility"]).fill_null(0.0).to_numpy()
        down = 100 * (part["volatility"] - part["volatility_bid"]).fill_null(0.0).to_numpy()
        bars = {"array": up, "arrayminus": down, "symmetric": False, "color": MUTED, "thickness": 1, "width": 0}
        figure.add_scatter(x=part["strike"].to_numpy(), y=middle, mode="markers", error_y=bars, showlegend=False,
                           name="quote", marker={"color": INK, "size": 3}, **at)  # fmt: skip
        line = {"color": LEARNED, "width": 2}
        figure.add_scatter(x=strikes[place], y=fitted[place], mode="lines", name="fit", line=line, showlegend=False,
                           **at)  # fmt: skip
    styled(figure, 260 * rows + 40, margin={"l": 12, "r": 12, "t": 36, "b": 12})
    text = "Implied volatility in percent against strike; bars reach from bid to ask, the line is the fitted surface."
    return Plot("smiles", "Quotes and fit", text, figure)


def _surface(pricer: Pricer, quotes: pl.DataFrame, every: np.ndarray) -> Plot:
    maturity = np.geomspace(every[0], max(every[-1], every[0] * 1.01), 30)
    lowest, highest = np.quantile(quotes["log_moneyness"].to_numpy(), [0.02, 0.98])
    log_moneyness = np.linspace(lowest, highest, 40)
    strike = pricer.forward(maturity)[:, None] * np.exp(log_moneyness)
    fitted = 100 * pricer.implied_volatility(strike=strike, maturity=_wide(maturity, strike))
    # What lies further out than the quotes of neighbouring expiries would tower over the rest.
    reach = quotes.group_by("maturity").agg(low=pl.col("log_moneyness").min(), high=pl.col("log_moneyness").max())
    reach = reach.sort("maturity")
    low, high = (np.interp(maturity, reach["maturity"], reach[side])[:, None] for side in ("low", "high"))
    fitted = np.where((log_moneyness >= low) & (log_moneyness <= high), fitted, np.nan)
    figure = bare_figure(560, margin={"l": 0, "r": 0, "t": 0, "b": 0})
    figure.add_surface(x=log_moneyness, y=maturity, z=fitted, colorscale="Viridis", showscale=False)
    axes = {"xaxis_title": "log(K/F)", "yaxis_title": "years", "zaxis_title": "volatility (%)"}
    figure.update_layout(scene=axes)
    return Plot("surface", "Implied volatility surface", "As far as strikes are quoted; drag to turn it.", figure)


def _residuals(quotes: pl.DataFrame) -> Plot:
    error = 100 * (quotes["fitted"] - quotes["volatility"]).to_numpy()
    most = float(np.quantile(np.abs(error), 0.98)) or 0.01
    figure = bare_figure(380)
    marker = {"color": error, "cmin": -most, "cmax": most, "colorscale": "RdBu", "size": 6,
              "colorbar": {"title": "vol points"}, "line": {"width": 0.3, "color": MUTED}}  # fmt: skip
    figure.add_scatter(x=quotes["log_moneyness"].to_numpy(), y=365 * quotes["maturity"].to_numpy(), mode="markers",
                       marker=marker, showlegend=False, customdata=error,
                       hovertemplate="%{x:.3f}, %{y:.0f} days: %{customdata:+.2f}<extra></extra>")  # fmt: skip
    figure.update_layout(xaxis_title="log(K/F)", yaxis_title="days")
    figure.update_yaxes(type="log", dtick=1)
    return Plot("residuals", "Residuals", "Fit less middle quote, in vol points.", figure)


def _density(pricer: Pricer, quotes: pl.DataFrame, chosen: np.ndarray) -> Plot:
    figure = bare_figure(380)
    shown = chosen[:: max(1, chosen.size // 4)]
    strike = _reach(pricer, quotes, shown, 161)
    density = pricer.density(strike=strike, maturity=_wide(shown, strike))
    for place, maturity in enumerate(shown):
        name, color = f"{365 * maturity:.0f} days", PALETTE[place % len(PALETTE)]
        figure.add_scatter(x=strike[place], y=density[place], mode="lines", name=name, legendgroup=name,
                           showlegend=True, line={"color": color, "width": 2})  # fmt: skip
    figure.update_layout(xaxis_title="price at expiry", yaxis_title="density")
    return Plot(
        "density", "Risk-neutral density", "What the quotes say of the price at expiry; nowhere negative.", figure
    )


def _greeks(pricer: Pricer, quotes: pl.DataFrame, chosen: np.ndarray) -> Plot:
    titles = [name.capitalize() for name in GREEKS]
    figure = make_subplots(rows=2, cols=3, subplot_titles=titles, vertical_spacing=0.14, horizontal_spacing=0.07)
    shown = chosen[:: max(1, chosen.size // 3)][:4]
    strike = _reach(pricer, quotes, shown, 61)
    found = pricer.greeks(strike=strike, maturity=_wide(shown, strike))
    for place, maturity in enumerate(shown):
        name = f"{365 * maturity:.0f} days"
        for index, greek in enumerate(GREEKS):
            figure.add_scatter(
                x=strike[place], y=found[greek][place], mode="lines", name=name, legendgroup=name,
                showlegend=index == 0, line={"color": PALETTE[place], "width": 2}, row=index // 3 + 1,
                col=index % 3 + 1,
            )  # fmt: skip
    styled(figure, 560, margin={"l": 12, "r": 12, "t": 36, "b": 12})
    text = "Of calls, against strike: per unit of the currency, of volatility (1.0 is 100 %) and of a year."
    return Plot("greeks", "Greeks", text, figure)
