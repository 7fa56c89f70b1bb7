"""`tenrec vol`: volatility measured, forecast and watched."""

from pathlib import Path
from typing import Annotated

import typer

vol_app = typer.Typer(help="Volatility: measure it, forecast it, watch it; every forecast can feed a hedge.")

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
