"""The page of a tuning run, and its figures as PNG files."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tenrec.reporting.html_tables import facts_table, with_sign
from tenrec.reporting.images import draw
from tenrec.reporting.page import card, page_html, save_page
from tenrec.reporting.plots import standalone
from tenrec.reporting.text import escape, number, plain
from tenrec.reporting.tiles import Tile, tile_html
from tenrec.reporting.tuning.data import TuneReport
from tenrec.reporting.tuning.figures import overview, tune_plots

GLOSSARY = {
    "Score": "what the search makes large; its formula stands in the configuration.",
    "Net P&L": "profit and loss of a week after costs: book, hedge, funding and fees together.",
    "Hedge error": "the P&L before costs; a perfect hedge of a fairly priced book would leave none.",
    "Sharpe": "mean over standard deviation of the P&L from tick to tick, annualised from the true interval.",
    "CVaR 95 %": "mean loss over the worst 5 % of the hours.",
    "Deflated Sharpe": "probability that the Sharpe ratio is above what the best of so many worthless sets shows.",
    "Probability of overfitting": "how often the best set of half of the hours falls below the median in the rest.",
    "Threshold": "share of the notional, in units of the underlying, that net delta may reach before it is hedged.",
}


def write_tune_report(data: TuneReport, path: Path) -> Path:
    """Write the report as one offline HTML file and return its path."""
    tiled = "".join(tile_html(tile) for tile in _tiles(data))
    shown = [f"{key} {value}" for key, value in data.environment.items()][:4]
    text = page_html(data.title, data.subtitle, data.summary, tiled, list(_sections(data)), escape(" · ".join(shown)))
    return save_page(text, path)


def write_tune_images(data: TuneReport, folder: Path, first: Path) -> list[Path]:
    """Write the four-panel overview to `first`, and every figure as a PNG file into `folder`.

    Raises:
        WorkError: Kaleido, or the Chrome it draws with, is missing.
    """
    named = {folder / f"{name}.png": standalone(plot) for name, plot in tune_plots(data).items()}
    return draw({first: overview(data), **named})


def _tiles(data: TuneReport) -> list[Tile]:
    entry = data.metrics["comparison"]["tuned"]
    judged, sample = (
        (entry["out_of_sample"], "out of sample") if entry["out_of_sample"] else (entry["in_sample"], "in sample")
    )
    default = data.metrics["comparison"]["default"]["out_of_sample" if entry["out_of_sample"] else "in_sample"]
    evidence = data.metrics["overfitting"]
    return [
        Tile("Score", number(judged["score"], 2), "", f"{sample}; default rule {number(default['score'], 2)}"),
        Tile(
            "Net P&L",
            number(judged["net_pnl"], 0),
            "USD",
            f"a week, 95 % interval [{number(judged['net_pnl_low'], 0)}, {number(judged['net_pnl_high'], 0)}]",
        ),
        Tile("Cost", number(judged["cost"], 0), "USD", f"a week; default rule {number(default['cost'], 0)}"),
        Tile("Hedges", number(judged["hedges"], 0), "a week", f"default rule {number(default['hedges'], 0)}"),
        Tile(
            "Drawdown",
            number(judged["max_drawdown"], 0),
            "USD",
            f"mean of the weeks; worst {number(judged['worst_drawdown'], 0)}",
        ),
        Tile(
            "Deflated Sharpe",
            number(100 * evidence["deflated_sharpe"], 0),
            "%",
            f"after {evidence['sets_tried']:,} sets tried",
        ),
    ]


def _sections(data: TuneReport) -> Iterable[tuple[str, str, str]]:
    plots = tune_plots(data)

    def cards(*names: str) -> str:
        return "".join(card(plots[name]) for name in names if name in plots)

    yield "result", "Result", _card("The tuned set", _best(data)) + _card("Recommendations", _advice(data))
    yield "samples", "Out of sample", _comparison(data) + cards("samples", "walk_forward") + _evidence(data)
    yield (
        "search",
        "Search",
        (
            cards("history") + f'<div class="pair">{cards("threshold", "cadences")}</div>'
            f'<div class="pair">{cards("cost", "importance")}</div>' + cards("parallel", "pareto") + _ten_best(data)
        ),
    )
    if "replay" in plots:
        yield "replay", "Best week", cards("replay")
    rule, config = escape(data.exported_yaml.strip()), escape(data.config_yaml.strip())
    setup = (
        f'<details class="card" open><summary>Environment</summary>{facts_table(dict(data.environment))}</details>'
        f'<details class="card"><summary>Exported rule</summary><pre>{rule}</pre></details>'
        f'<details class="card"><summary>Configuration</summary><pre>{config}</pre></details>'
    )
    yield "setup", "Setup", setup
    terms = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in GLOSSARY.items())
    yield "terms", "Terms", f'<dl class="card glossary">{terms}</dl>'


def _card(heading: str, content: str) -> str:
    return f'<div class="card"><h3>{escape(heading)}</h3>{content}</div>'


def _best(data: TuneReport) -> str:
    best = data.metrics["best"]["values"]
    return facts_table([(data.parameters[name], plain(float(value))) for name, value in best.items()])


def _advice(data: TuneReport) -> str:
    items = "".join(
        f"<div><dt>{escape(heading)}</dt><dd>{escape(sentence)}</dd></div>" for heading, sentence in data.advice.items()
    )
    return f'<dl class="glossary">{items}</dl>'


COLUMNS = (
    ("Score", "", "score", 2),
    ("Net P&L", "USD a week", "net_pnl", 0),
    ("Before costs", "USD a week", "total_pnl", 0),
    ("Cost", "USD a week", "cost", 0),
    ("Error std", "USD", "error_std", 0),
    ("Drawdown", "USD", "max_drawdown", 0),
    ("CVaR 95 %", "USD an hour", "cvar95_hourly", 0),
    ("Sharpe", "± s.e.", "sharpe", 2),
    ("Hedges", "a week", "hedges", 0),
    ("Mean |delta|", "units", "mean_abs_delta", 3),
    ("Turnover", "M USD", "turnover", 2),
    ("Funding", "USD", "funding", 0),
)


def _comparison(data: TuneReport) -> str:
    parts = []
    for sample, heading in (("out_of_sample", "Later weeks, out of sample"), ("in_sample", "Earlier weeks, tuned on")):
        entries = {key: entry for key, entry in data.metrics["comparison"].items() if entry[sample] is not None}
        if not entries:
            continue
        head = "".join(f'<th scope="col">{escape(name)}<span>{escape(unit)}</span></th>' for name, unit, *_ in COLUMNS)
        rows = "".join(
            f'<tr class="{"learned" if key == "tuned" else ""}">'
            f'<th scope="row"><div><span>{escape(entry["label"])}</span></div></th>'
            + "".join(_cell(entry[sample], name, decimals) for _, _, name, decimals in COLUMNS)
            + "</tr>"
            for key, entry in entries.items()
        )
        head = f'<thead><tr><th scope="col">Policy</th>{head}</tr></thead>'
        table = f'<table class="comparison">{head}<tbody>{rows}</tbody></table>'
        parts.append(_card(heading, f'<div class="scroll">{table}</div>'))
    return "".join(parts)


def _cell(entry: dict[str, Any], name: str, decimals: int) -> str:
    value = entry[name] / 1e6 if name == "turnover" else entry[name]
    small = {
        "net_pnl": f"[{number(entry['net_pnl_low'], 0)}, {number(entry['net_pnl_high'], 0)}]",
        "sharpe": f"± {number(entry['sharpe_se'], 2)}",
    }.get(name)
    return f"<td><b>{number(value, decimals)}</b>{f'<small>{small}</small>' if small else ''}</td>"


def _evidence(data: TuneReport) -> str:
    evidence = data.metrics["overfitting"]
    odds = evidence["probability_of_overfitting"]
    error = data.metrics["comparison"]["tuned"]["in_sample"]["expansion_error"]
    luck = number(evidence["sharpe_by_luck"], 2)
    facts = {
        "Deflated Sharpe ratio": f"{evidence['deflated_sharpe']:.2f}",
        "Sharpe ratio that luck would show": f"{luck}, best of {evidence['sets_tried']:,}",
        "Probability of backtest overfitting": "–" if odds is None else f"{odds:.2f}",
        "Delta–gamma–theta less revaluation": f"{with_sign(error, 0)} USD a week",
    }
    return _card("Does it hold?", facts_table(facts))


def _ten_best(data: TuneReport) -> str:
    names = list(data.metrics["parameters"])
    best = data.trials.sort("score", "number", descending=[True, False]).head(10)
    head = "".join(
        f'<th scope="col">{escape(text)}</th>'
        for text in ["Trial", "Score", *(data.parameters[name] for name in names), "Net P&L (USD)", "Hedges"]
    )
    rows = ""
    for row in best.iter_rows(named=True):
        cells = [
            number(row["score"], 3),
            *(plain(float(row[name])) for name in names),
            number(row["net_pnl"], 0),
            number(row["hedges"], 0),
        ]
        rows += f'<tr><th scope="row">{row["number"]}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    return _card(
        "The ten best sets",
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>',
    )
