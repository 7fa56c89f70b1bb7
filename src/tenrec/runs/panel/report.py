"""The report of a panel backtest, read from its folder."""

import polars as pl

from tenrec.reporting.panel import PanelReport, write_panel_report
from tenrec.runs.panel.folder import PanelFolder
from tenrec.runs.panel.words import panel_findings


def report_panel(folder: PanelFolder) -> None:
    """Write `report.html`."""
    metrics = folder.metrics()
    steps, held = metrics["one_session"], metrics["to_expiry"]
    taught = f"learned to {steps['trained_until']}" if steps["trained_until"] else "nothing learned"
    verb = "sold" if held["quantity"] < 0 else "held"
    data = PanelReport(
        title=f"Deltas on {metrics['record']}",
        subtitle=f"{taught}, judged {steps['from']} to {steps['to']}, options {verb}",
        summary=tuple(panel_findings(metrics)),
        metrics=metrics,
        buckets=folder.read_table("buckets"),
        days=folder.read_table("days"),
        book=folder.read_table("book"),
        contract=_telling(folder.read_table("positions"), metrics["shown"], metrics["reference"]),
        config_yaml=folder.config_text(),
        footer=f"tenrec {folder.about()['versions']['tenrec']} · {metrics['seconds']:.0f} s",
    )
    write_panel_report(data, folder.report)


def _telling(positions: pl.DataFrame, learned: str, reference: str) -> pl.DataFrame:
    """The rows of the contract on which the two positions differ most."""
    wide = positions.filter(pl.col("policy").is_in([learned, reference])).pivot(
        "policy", index=["contract", "date"], values="position"
    )
    if learned not in wide.columns or reference not in wide.columns or not wide.height:
        return positions.clear()
    apart = wide.group_by("contract").agg(d=((pl.col(learned) - pl.col(reference)) ** 2).mean()).sort("d", "contract")
    return positions.filter(pl.col("contract") == apart["contract"][-1])
