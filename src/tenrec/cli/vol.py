"""`tenrec vol`: volatility measured, forecast and watched."""

from pathlib import Path
from typing import Annotated

import typer

from tenrec.cli.vol_index import register as register_index
from tenrec.cli.vol_regime import register as register_regime
from tenrec.cli.vol_spikes import register as register_spikes

vol_app = typer.Typer(help="Volatility: measured from bars, forecast by every model, watched, read off option chains.")

JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]
MinutesOption = Annotated[float, typer.Option("--minutes", min=0.01, help="Sampling interval of intraday bars.")]
SessionOption = Annotated[
    str | None, typer.Option("--session", metavar="HH:MM-HH:MM", help="Keep these bars, in the file's own times.")
]


@vol_app.callback()
def _vol() -> None: ...


@vol_app.command()
def measures(
    bars: Annotated[Path, typer.Argument(metavar="BARS", help="Intraday bars: Parquet or CSV.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Parquet or CSV; default BARS_measures.parquet here.")
    ] = None,
    minutes: MinutesOption = 5.0,
    session: SessionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Realised measures of every day: variance, bipower, quarticity, semivariances, kernel, jump test."""
    from tenrec.cli.show import show_document
    from tenrec.runs.vol.measures import measure_bars

    show_document(measure_bars(bars, out, minutes=minutes, session=session), as_json=as_json)


@vol_app.command()
def forecast(
    prices: Annotated[
        Path | None,
        typer.Argument(
            metavar="[PRICES]",
            help="Daily closes or bars, intraday bars, or realised measures; without it, the bundled Shanghai 50ETF.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder (default runs/vol_forecast_NAME).")
    ] = None,
    implied: Annotated[
        Path | None, typer.Option("--implied", "--vix", metavar="FILE", help="Daily implied volatility, e.g. the VIX.")
    ] = None,
    also: Annotated[
        list[Path] | None,
        typer.Option("--also", metavar="FILE", help="A further daily series the models see: VVIX, SKEW, VIX3M …"),
    ] = None,
    horizon: Annotated[list[int] | None, typer.Option("--horizon", help="Days ahead; default 1, 5 and 22.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="First day forecast; default after a third.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model", metavar="MODEL", help="Only this one, and others named; default all, the hybrid first."
        ),
    ] = None,
    without: Annotated[list[str] | None, typer.Option("--without", metavar="MODEL", help="Leave a model out.")] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE.parquet", help="Write the (first) model as a forecaster for a hedge."),
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=50, help="Networks of the hybrid.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of everything random.")] = 0,
    minutes: MinutesOption = 5.0,
    night: Annotated[bool, typer.Option("--night/--no-night", help="Add the squared night to intraday days.")] = False,
    session: SessionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast the variance of the next day, week and month with every model, walking forward, and compare them.

    Examples: `tenrec vol forecast` · `tenrec vol forecast spx.csv --vix vix.csv --from 2006-01-01`

    `tenrec vol forecast --model hybrid --save vol.parquet` writes what `tenrec hedge --set
    market.forecaster=vol.parquet` and `tenrec backtest --set forecaster=vol.parquet` take: the delta at the forecast
    volatility joins the comparison, and policies may see forecast_to_implied. `--model heston`, which takes long, is
    walked by name alone.
    """
    from tenrec.cli.show import reporting
    from tenrec.cli.show_vol import show_forecast
    from tenrec.runs.vol.forecast import forecast_prices

    with reporting(quiet=as_json) as reporter:
        metrics = forecast_prices(
            prices,
            out=out,
            implied=implied,
            also=also or (),
            horizons=horizon or (1, 5, 22),
            since=since,
            only=model or (),
            without=without or (),
            save=save,
            seeds=seeds,
            seed=seed,
            minutes=minutes,
            overnight="add" if night else "leave",
            session=session,
            reporter=reporter,
        )
    show_forecast(metrics, as_json=as_json)


@vol_app.command()
def calibrate(
    prices: Annotated[
        Path | None, typer.Argument(metavar="[PRICES]", help="As for forecast; without it, the bundled Shanghai 50ETF.")
    ] = None,
    model: Annotated[str, typer.Option("--model", help="garch, regimes or heston.")] = "garch",
    implied: Annotated[
        Path | None, typer.Option("--implied", "--vix", metavar="FILE", help="Daily implied volatility, for heston.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DATE", help="Last day that is learned from.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.yaml", help="Write it here instead of printing it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """A market to train a hedge on, with the parameters that a price record has, as YAML for `tenrec hedge`.

    Example: `tenrec vol calibrate spx.csv --model garch --until 2015-12-31 --out garch.yaml && tenrec hedge garch.yaml`
    """
    from tenrec.cli.show import show_document
    from tenrec.runs.vol.calibrate import calibrate_prices

    found = calibrate_prices(prices, model=model, implied=implied, until=until, out=out)
    if as_json:
        show_document(found, as_json=True)
        return
    for note in found["notes"]:
        typer.echo(f"• {note}", err=True)
    typer.echo(found["yaml"] if out is None else f"Wrote {out}; `tenrec hedge {out}` runs it.", nl=out is not None)


register_spikes(vol_app)
register_regime(vol_app)
register_index(vol_app)
