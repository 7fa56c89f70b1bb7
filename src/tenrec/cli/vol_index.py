"""`tenrec vol index`, `surface` and `strategy`: what a chain says of volatility, and what selling it brought."""

from pathlib import Path
from typing import Annotated

import typer

ChainArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[CHAIN]", help="CSV, Parquet or a folder; without it, the bundled Shanghai 50ETF."),
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder (default runs/vol_…_CHAIN).")]
DateOption = Annotated[str | None, typer.Option("--date", help="One day of a chain of many; default all of them.")]
ColumnsOption = Annotated[
    list[str] | None, typer.Option("--columns", metavar="ROLE=NAME", help="Which column plays which role.")
]
UnderlyingOption = Annotated[str | None, typer.Option("--underlying", help="Where the chain holds several.")]
StyleOption = Annotated[str | None, typer.Option("--style", help="european or american, where the file is silent.")]
RateOption = Annotated[
    float | None, typer.Option("--rate", help="Continuous interest; default what parity of call and put gives.")
]
EveryOption = Annotated[
    bool, typer.Option("--every-expiry", help="Use every expiry, not the last of each week as the exchange does.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `tenrec vol`."""
    app.command(name="index")(index)
    app.command(name="surface")(surface)
    app.command(name="strategy")(strategy)


def index(
    chain: ChainArgument = None,
    out: OutOption = None,
    days: Annotated[
        list[float] | None, typer.Option("--days", help="Calendar days of the index; 30, and some others, by default.")
    ] = None,
    date: DateOption = None,
    every: EveryOption = False,
    columns: ColumnsOption = None,
    underlying: UnderlyingOption = None,
    style: StyleOption = None,
    rate: RateOption = None,
    as_json: JsonOption = False,
) -> None:
    """The VIX of any option chain by the exchange's method, of any maturity; variance and volatility swaps, skew.

    Every day of the file gives a row of a series; the report shows the last one closely.

    Examples: `tenrec vol index spx.parquet` · `tenrec vol index chain.csv --days 30 --days 91 --date 2026-07-24`
    """
    from tenrec.cli.price import pairs
    from tenrec.cli.show import reporting
    from tenrec.cli.show_vol_index import show_index
    from tenrec.runs.vol.index import index_chain

    with reporting(quiet=as_json) as reporter:
        metrics = index_chain(
            chain, out=out, days=days or (), date=date, every=every, columns=pairs("--columns", columns),
            underlying=underlying, style=style, rate=rate, reporter=reporter,
        )  # fmt: skip
    show_index(metrics, as_json=as_json)


def surface(
    chain: ChainArgument = None,
    model: Annotated[
        str, typer.Option("--model", help="svi (each expiry alone) or essvi (each day without arbitrage).")
    ] = "svi",
    out: OutOption = None,
    date: DateOption = None,
    every: EveryOption = False,
    columns: ColumnsOption = None,
    underlying: UnderlyingOption = None,
    style: StyleOption = None,
    rate: RateOption = None,
    as_json: JsonOption = False,
) -> None:
    """The implied volatility surface of a chain over its days: slices, level, skew, curvature, and pictures.

    The folder holds surface.parquet (a row a day and expiry, with the slice's parameters), days.parquet (constant
    maturities) and a report with the surface to turn and step through.

    Examples: `tenrec vol surface` · `tenrec vol surface spx.parquet --model essvi`
    """
    from tenrec.cli.price import pairs
    from tenrec.cli.show import reporting
    from tenrec.cli.show_vol_index import show_surface
    from tenrec.runs.vol.surface import surface_chain

    with reporting(quiet=as_json) as reporter:
        metrics = surface_chain(
            chain, model=model, out=out, date=date, every=every, columns=pairs("--columns", columns),
            underlying=underlying, style=style, rate=rate, reporter=reporter,
        )  # fmt: skip
    show_surface(metrics, as_json=as_json)


def strategy(
    prices: Annotated[Path, typer.Argument(metavar="PRICES", help="Daily closes or bars of the index.")],
    implied: Annotated[
        Path, typer.Option("--vix", "--implied", metavar="FILE", help="Its 30-day implied volatility, e.g. the VIX.")
    ],
    futures: Annotated[
        Path | None, typer.Option("--futures", metavar="FILE", help="VIX futures: DATE, VIX, VX1, VX2, …")
    ] = None,
    out: OutOption = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First trade; default after 750 days.")
    ] = None,
    forecast: Annotated[
        Path | None,
        typer.Option("--forecast", metavar="FILE", help="Forecasts of `tenrec vol forecast --save`; default log-HAR."),
    ] = None,
    spikes: Annotated[
        str | None,
        typer.Option(
            "--spikes", metavar="FILE:COLUMN", help="Probabilities of `tenrec vol spikes --save`; default its own."
        ),
    ] = None,
    swap_spread: Annotated[
        float, typer.Option("--swap-spread", min=0.0, help="Half-spread of a variance swap, volatility points.")
    ] = 0.5,
    future_spread: Annotated[
        float, typer.Option("--future-spread", min=0.0, help="Half-spread and fee of a future, points.")
    ] = 0.05,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the intervals.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """What selling volatility brought on a record: monthly variance swaps and VIX futures, plain and scaled.

    The size is constant, or scaled by what a walk-forward forecast leaves of the implied variance, by the probability
    of a spike, or by both; nothing is known before its day. Costs, drawdowns and Sharpe ratios with intervals.

    Examples: `tenrec vol strategy spx.csv --vix vix.csv --futures VIX_futures.csv` · `… --forecast vol.parquet --spikes
    spikes.parquet:implied_spike_probability`, saved by `tenrec vol forecast` and `tenrec vol spikes`.
    """
    from tenrec.cli.show import reporting
    from tenrec.cli.show_vol_index import show_strategy
    from tenrec.runs.vol.signals import SignalSource
    from tenrec.runs.vol.strategy import trade_volatility

    with reporting(quiet=as_json) as reporter:
        metrics = trade_volatility(
            prices, implied=implied, futures=futures, out=out, since=since, forecast=forecast,
            spikes=None if spikes is None else SignalSource.of(spikes), swap_spread=swap_spread,
            future_spread=future_spread, seed=seed, reporter=reporter,
        )  # fmt: skip
    show_strategy(metrics, as_json=as_json)
