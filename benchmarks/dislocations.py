"""What trading rich and cheap quotes of recorded days made: hedged, net of spread, with intervals over entry days.

Each entry day is fitted by itself, to its own quotes; what lies beyond bid, ask and twice the error of the fit is sold
at the bid or bought at the ask of that day, hedged daily with the forward, and closed later at the other side of the
quotes. SPX of 2026 has recorded bids and asks, the Shanghai options closes alone (1 % of the price is given away each
way), SPY of 2021 twenty quotes a day, Deribit quotes in coin.

    python benchmarks/dislocations.py
    python benchmarks/dislocations.py --panels shanghai --hold 1 5 10 --every 5
"""

import argparse
import time
from pathlib import Path
from typing import Any

import polars as pl
from machine import busy

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
PANELS: dict[str, tuple[str, dict[str, Any]]] = {
    "spx": ("us_index_chains_2026/SPX.parquet", {"hold": [1, 3, 5], "every": 1}),
    "deribit_btc": ("crypto_options_2026/deribit.parquet", {"hold": [1, 5], "every": 1, "underlying": "BTC"}),
    "shanghai": ("sse50etf_options/options.parquet", {"hold": [1, 5, 10], "every": 5, "since": "2018-01-01"}),
    "banknifty": ("banknifty_options/chain.parquet", {"hold": [1, 5], "every": 1}),
}
"""File under the data folder; days held, every how many days entered, and from when."""
PARTS = {"all": pl.lit(True), "rich": pl.col("side") == "rich", "cheap": pl.col("side") == "cheap"}


def main() -> None:
    """Print one line for each panel, holding time and side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--panels", nargs="*", choices=PANELS, default=list(PANELS))
    parser.add_argument("--hold", nargs="*", type=int, help="recorded days from entry to closing")
    parser.add_argument("--every", type=int, help="every how many days trades are entered")
    parser.add_argument("--since", help="first entry day")
    parser.add_argument("--until", help="last entry day")
    given = parser.parse_args()
    print(busy())
    print(f"{'panel':<12}{'held':>5} {'side':<6}{'trades':>7}{'days':>6}{'hedged, bp [95 %]':>24}{'gained':>8}"
          f"{'unhedged':>10}{'spread':>8}{'never closed':>14}")  # fmt: skip
    for panel in given.panels:
        file, rule = PANELS[panel]
        if not (SHARED / file).is_file():
            print(f"{panel}: skipped, {file} is not there")
            continue
        changed = {name: getattr(given, name) for name in ("hold", "every", "since", "until") if getattr(given, name)}
        show(panel, SHARED / file, rule | changed)


def show(panel: str, path: Path, rule: dict[str, Any]) -> None:
    """Trade one panel for every holding time and print what came of it, apart for rich and cheap."""
    from tenrec.backtest.dislocations import summary
    from tenrec.runs.dislocations import RecordedChain, TradeRule, trade_recorded

    began = time.process_time()
    chain = RecordedChain(path, {"underlying": rule.get("underlying")})
    since, until = rule.get("since"), rule.get("until")
    entered = 0
    for hold in rule["hold"]:
        made = TradeRule(hold=hold, every=rule["every"], since=since, until=until)
        trades, about = trade_recorded(chain, made)
        entered = max(entered, about["entry_days"])
        for part, rows in PARTS.items():
            chosen = trades.filter(rows) if trades.height else trades
            if not chosen.height:
                print(f"{panel:<12}{hold:>5} {part:<6}{0:>7}{about['entry_days']:>6}")
                continue
            told = summary(chosen)
            edges = ("–" if told[edge] is None else f"{told[edge]:+.2f}" for edge in ("low_bp", "high_bp"))
            interval = f"{told['mean_bp']:+.2f} [{', '.join(edges)}]"
            print(f"{panel:<12}{hold:>5} {part:<6}{told['trades']:>7}{told['days']:>6}{interval:>24}"
                  f"{told['share_gained']:>8.0%}{told['unhedged_mean_bp']:>+10.2f}{told['spread_bp']:>8.2f}"
                  f"{told['never_closed']:>14}", flush=True)  # fmt: skip
    print(f"{panel}: {entered} entry days, {time.process_time() - began:.0f} s of processor time")


if __name__ == "__main__":
    main()
