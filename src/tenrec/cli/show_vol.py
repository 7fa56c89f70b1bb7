"""How volatility results look in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tenrec.cli.show import show_document, terminal


def show_forecast(metrics: Mapping[str, Any], *, as_json: bool) -> None:
    """A table a horizon, the findings and where the report is."""
    if as_json:
        show_document(metrics, as_json=True)
        return
    from tenrec.reporting.volatility.words import findings

    console = terminal()
    for horizon, judged in metrics["horizons"].items():
        title = "Next day" if horizon == "1" else f"Next {horizon} days"
        table = Table("model", "QLIKE", "MSE", "R²", "DM p", "MCS p", "now", box=None, header_style="bold")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, entry in sorted(judged["models"].items(), key=lambda item: item[1]["qlike"]):
            p = "–" if entry["dm_qlike_p"] is None else f"{entry['dm_qlike_p']:.3f}"
            label = f"[bold]{entry['label']}[/]" if name == metrics["reference"] else entry["label"]
            losses = (f"{entry['qlike']:.4f}", f"{entry['mse']:.3f}", f"{entry['r_squared']:.3f}")
            table.add_row(label, *losses, p, f"{entry['mcs_p']:.3f}", f"{entry['latest_volatility']:.1%}")
        console.print(f"\n[bold]{title}[/], {judged['days']:,} days out of sample", highlight=False)
        console.print(table)
    for sentence in (*metrics["notes"], *findings(dict(metrics))):
        console.print(f"• {sentence}", highlight=False)
    if "saved" in metrics:
        how = f"tenrec hedge --set market.forecaster={metrics['saved']}"
        console.print(f"\nForecaster: [bold]{metrics['saved']}[/], for `{how}`", highlight=False, soft_wrap=True)
    console.print(f"\nReport: [bold]{metrics['report']}[/]", highlight=False, soft_wrap=True)
