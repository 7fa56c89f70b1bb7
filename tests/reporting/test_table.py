import io

import pytest
from rich.console import Console

from tenrec.reporting import terminal_table
from tenrec.reporting.table import comparison
from tests.reporting.content import KINDS, chosen, content


def printed(metrics: dict, width: int) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(terminal_table(metrics, width=width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("count", [2, 8])
def test_wide_terminal(count: int):
    metrics = content(count).metrics
    text = printed(metrics, 160)
    for name in chosen(count):
        assert KINDS[name][0] in text
    for heading in ("Risk", "Std", "CVaR", "Cost", "Turnover", "ratio", "optimum"):
        assert heading in text
    assert "◆ Band network" in text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("recorded", [False, True])
def test_nothing_is_cut_in_a_narrow_terminal(recorded: bool):
    metrics = content(8, recorded=recorded).metrics
    text = printed(metrics, 80)
    assert "…" not in text
    assert all(len(line) <= 80 for line in text.splitlines())
    for item in comparison(metrics):
        if item.column.heading not in ("Mean P&L", "Trades"):
            for name in chosen(8):
                assert item.value(name) in text


def test_markup_in_a_label_is_text():
    metrics = content(2).metrics
    metrics["policies"]["band_network"]["label"] = "[red]net[/red]"
    assert "[red]net[/red]" in printed(metrics, 160)


def test_best_value_of_each_column():
    metrics = content(5).metrics
    columns = {item.column.heading: item for item in comparison(metrics)}
    std = {name: policy["std_bp"]["value"] for name, policy in metrics["policies"].items()}
    assert columns["Std"].best == {min(std, key=std.__getitem__)}
    assert columns["Gap to optimum"].best == {"band_network"}
    assert not columns["Cost"].best
    assert not columns["Mean P&L"].best


def test_columns_without_values_are_left_out():
    metrics = content(3, recorded=True).metrics
    for policy in metrics["policies"].values():
        del policy["trades"]
    headings = [item.column.heading for item in comparison(metrics)]
    assert "Gap to optimum" not in headings
    assert "Trades" not in headings
