"""How regimes look in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tenrec.cli.show import show_document, terminal


def show_regime(metrics: Mapping[str, Any], *, as_json: bool) -> None:
    """The regimes, where the market stands, and where the report is."""
    if as_json:
        show_document(metrics, as_json=True)
        return
    from tenrec.reporting.text import number
    from tenrec.reporting.volatility.regime_words import regime_findings

    console, found = terminal(), metrics["found"]
    table = Table("regime", "volatility", "stay, days", "share", "now", "in 5 days", box=None, header_style="bold")
    for column in table.columns[1:]:
        column.justify = "right"
    now = found["now"]
    for place, regime in enumerate(found["regimes"]):
        name = f"[bold]{regime['name']}[/]" if regime["name"] == now["regime"] else regime["name"]
        share, here, later = regime["share"], now["probabilities"][place], now["ahead"]["5"][place]
        stay = number(regime["duration"], 0)
        table.add_row(name, f"{regime['volatility']:.1%}", stay, f"{share:.0%}", f"{here:.0%}", f"{later:.0%}")
    console.print(table)
    for sentence in (*metrics["notes"], *regime_findings(dict(metrics))):
        console.print(f"• {sentence}", highlight=False, markup=False)
    if "saved" in metrics:
        how = f"tenrec hedge --set market.signals.regime_volatility={metrics['saved']}:regime_volatility"
        console.print(f"\nSignals: [bold]{metrics['saved']}[/], for `{how}`", highlight=False, soft_wrap=True)
    console.print(f"\nReport: [bold]{metrics['report']}[/]", highlight=False, soft_wrap=True)
