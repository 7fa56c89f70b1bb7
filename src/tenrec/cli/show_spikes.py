"""How a watch for spikes looks in a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from tenrec.cli.show import show_document, terminal


def show_spikes(metrics: Mapping[str, Any], *, as_json: bool) -> None:
    """Today's state, a table an event, and where the report is."""
    if as_json:
        show_document(metrics, as_json=True)
        return
    from tenrec.reporting.text import interval, number
    from tenrec.reporting.volatility.spikes_words import SHORT, spike_findings

    console = terminal()
    for measure, judged in metrics["events"].items():
        console.print(
            f"\n[bold]{SHORT[measure].capitalize()}s[/], {judged['days']:,} days out of sample", highlight=False
        )
        table = Table("model", "AUC", "Brier", "Brier skill", "now", box=None, header_style="bold")
        for column in table.columns[1:]:
            column.justify = "right"
        for name, entry in judged["models"].items():
            area, skill = entry["auc"], entry["brier_skill"]
            other = name != "climatology"
            table.add_row(
                f"[bold]{entry['label']}[/]" if name == "logit" else entry["label"],
                f"{number(area['value'], 3)} ({interval(area, 3)[1:-1]})" if other else "–",
                number(entry["brier"], 4),
                f"{number(skill['value'], 3)} ({interval(skill, 3)[1:-1]})" if other else "–",
                f"{entry['latest']:.1%}",
            )
        console.print(table)
        for alarm in judged["alarms"]:
            at = f"{alarm['threshold']:g} × the usual odds" if alarm["relative"] else f"{alarm['threshold']:.0%}"
            console.print(
                f"  alarm at {at}: {alarm['warned']} of {alarm['spikes']} spikes warned of, "
                f"{number(alarm['lead'], 1)} days before, {number(alarm['false_a_year'], 1)} false alarms a year",
                highlight=False,
            )
    for sentence in (*metrics["notes"], *spike_findings(dict(metrics))):
        console.print(f"• {sentence}", highlight=False, markup=False)
    if "saved" in metrics:
        how = f"tenrec hedge --set market.signals.spike_probability={metrics['saved']}:variance_spike_probability"
        console.print(f"\nSignals: [bold]{metrics['saved']}[/], for `{how}`", highlight=False, soft_wrap=True)
    console.print(f"\nReport: [bold]{metrics['report']}[/]", highlight=False, soft_wrap=True)
