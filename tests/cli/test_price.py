"""`tenrec price` as a user calls it, on a small chain priced by Black's formula off a known smile."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import tenrec
from tenrec.runs.price import price
from tests.cli.conftest import Tenrec

SPOT, DAYS = 100.0, ("2024-01-02", "2024-01-03", "2024-01-04")
STRIKES = np.arange(84.0, 117.0, 4.0)
HEADER = "date,expiry,stock price,strike,bid,ask,type"


def worth(sign: float, strike: float, years: float, volatility: float) -> float:
    """Black's formula by SciPy, forward 100, no interest."""
    total = volatility * years**0.5
    upper = np.log(SPOT / strike) / total + total / 2
    return float(sign * (SPOT * norm.cdf(sign * upper) - strike * norm.cdf(sign * (upper - total))))


def smile(strike: float) -> float:
    return 0.2 - 0.15 * float(np.log(strike / SPOT))


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of two expiries; one put is quoted far too dear on every day but the last."""
    lines = [HEADER]
    for day in DAYS:
        for expiry in ("2024-04-02", "2024-07-02"):
            years = (np.datetime64(expiry) - np.datetime64(day)).astype(int) / 365
            for strike in STRIKES:
                for sign, kind in ((1.0, "call"), (-1.0, "put")):
                    dear = strike == 92 and kind == "put" and expiry == "2024-07-02" and day != DAYS[-1]
                    fair = worth(sign, strike, years, smile(strike) + 0.03 * dear)
                    lines.append(f"{day},{expiry},{SPOT},{strike},{fair - 0.01:.5f},{fair + 0.01:.5f},{kind}")
    path = tmp_path_factory.mktemp("priced") / "chain.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(chain: Path) -> Path:
    """A finished run of the second day."""
    out = chain.parent / "run"
    price(chain, out=out, date=DAYS[1], iterations=60)
    return out


def test_a_quote_of_a_finished_run_is_black_s(run: Path, tenrec_command: Tenrec) -> None:
    answer = tenrec_command("price", run, "--quote", "strike=104", "--quote", "days=90", "--json")
    assert (answer.status, answer.err) == (0, "")
    told = json.loads(answer.out)
    assert (told["day"], told["style"], told["quotes"]) == (DAYS[1], "european", 2 * STRIKES.size)
    assert told["quote"]["price"] == pytest.approx(worth(1.0, 104.0, 90 / 365, smile(104.0)), abs=0.03)
    assert set(told["quote"]) >= {"delta", "gamma", "vega", "theta", "vanna", "volga"}
    shown = tenrec_command("price", run, "--quote", "strike=104", "--quote", "days=90", "--quote", "kind=put")
    assert "delta" in shown.out
    assert "rich put 92" in shown.out


def test_the_run_prices_in_python(run: Path) -> None:
    loaded = tenrec.load(run)
    strikes = np.array([96.0, 100.0, 104.0])
    delta = loaded.pricer.delta(strike=strikes, maturity=0.25)
    bump = [loaded.pricer.price(strike=strikes, maturity=0.25, spot=SPOT + move) for move in (0.01, -0.01)]
    np.testing.assert_allclose(delta, (bump[0] - bump[1]) / 0.02, rtol=1e-5)
    assert (loaded.pricer.gamma(strike=strikes, maturity=0.25) > 0).all()


def test_the_dear_put_is_found_and_sold_at_its_bid(run: Path, chain: Path) -> None:
    found = tenrec.load(run).dislocations.row(0, named=True)
    assert (found["side"], found["kind"], found["strike"]) == ("rich", "put", 92.0)
    fair = worth(-1.0, 92.0, 181 / 365, smile(92.0))
    assert found["edge"] == pytest.approx(found["bid"] - fair, rel=0.4)  # the quote itself pulls the fit


def test_trading_it_makes_what_the_quotes_say(chain: Path, tenrec_command: Tenrec, empty: Path) -> None:
    """The spot stands still, so hedging brings nothing: P&L is the bid of the entry less the ask of the closing."""
    words = ["--trade", 1, "--since", DAYS[1], "--until", DAYS[1], "--iterations", 40, "--out", "run", "--json"]
    told = json.loads(tenrec_command("price", chain, *words).out)
    assert told["trades"]["entry_days"] == 1
    trades = pl.read_parquet(empty / "run" / "trades.parquet")
    sold = trades.filter(pl.col("kind") == "put", pl.col("strike") == 92.0).row(0, named=True)
    closing = worth(-1.0, 92.0, 180 / 365, smile(92.0)) + 0.01
    assert sold["closed"] == DAYS[2]
    assert sold["unhedged"] == pytest.approx(sold["bid"] - closing, abs=2e-5)
    assert sold["pnl"] == pytest.approx(sold["unhedged"], abs=5e-3)  # less the cost of one hedge trade
    assert sold["pnl"] < sold["unhedged"]
    assert "What trading them made" in (empty / "run" / "report.html").read_text(encoding="utf-8")


def test_one_seed_gives_one_pricer(chain: Path, empty: Path) -> None:
    """Also where the first run is written over by the second."""
    first = price(chain, out=empty / "run", iterations=3, seed=5).quotes["fitted"].to_list()
    again = price(chain, out=empty / "run", iterations=3, seed=5).quotes["fitted"].to_list()
    assert first == again


def test_resume_says_that_nothing_is_left(run: Path, tenrec_command: Tenrec) -> None:
    answer = tenrec_command("resume", run)
    assert answer.status == 2
    assert "nothing is left to resume" in answer.sentence


USAGE = {
    "no chain": (["nowhere.csv"], "nowhere.csv does not exist"),
    "role": (["CHAIN", "--columns", "stricke=strike"], "'stricke' is not a role"),
    "column": (["CHAIN", "--columns", "strike=K"], "has no column 'K'"),
    "date": (["CHAIN", "--date", "2024-02-30"], "a day such as"),
    "style": (["CHAIN", "--style", "bermudan"], "european or american is needed"),
    "underlying": (["CHAIN", "--underlying", "XYZ"], "no underlying 'XYZ'"),
    "quote": (["RUN", "--quote", "strike"], "NAME=VALUE is needed"),
    "quote's name": (["RUN", "--quote", "strikes=3"], "--quote strikes=… is not known"),
    "quote's maturity": (["RUN", "--quote", "strike=100"], "either days or maturity"),
    "trade's options alone": (["CHAIN", "--since", "2024-01-02"], "give --trade DAYS too"),
    "trade too long": (["CHAIN", "--trade", "3", "--iterations", "1"], "needs 3 recorded days after an entry day"),
}


@pytest.mark.parametrize("case", USAGE)
def test_what_is_wrong_is_said_in_one_sentence(
    case: str, run: Path, chain: Path, empty: Path, tenrec_command: Tenrec
) -> None:
    words, said = USAGE[case]
    places = {"CHAIN": str(chain), "RUN": str(run)}
    answer = tenrec_command("price", *(places.get(word, word) for word in words))
    assert answer.status == 2
    assert said in answer.err.splitlines()[-1]
    assert list(empty.iterdir()) == []


BAD = {
    "empty": ([], "holds no rows"),
    "one strike": (["2024-01-02,2024-07-02,100,100,5,5.2,call", "2024-01-02,2024-07-02,100,100,5,5.2,put"], "1 strike"),
    "one-sided": (["2024-01-02,2024-07-02,100,100,0,5.2,call"], "no usable quote among 1 rows (no bid in 1)"),
    "text": (["2024-01-02,2024-07-02,100,100,5,many,call"], "chain.csv row 2, column ask: the cell is not a number"),
    "a day that is none": (
        ["2024-01-02,2024-07-02,100,100,5,5.2,call", "2024-13-45,2024-07-02,100,100,5,5.2,call"],
        "chain.csv row 3, column date: the cell is not a date",
    ),
    "kind": (["2024-01-02,2024-07-02,100,100,5,5.2,straddle"], "row 2, column type: the cell is not a kind"),
    "late": (["2024-01-02,2023-07-02,100,100,5,5.2,call"], "(expiry before the quote date in 1)"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_chain_that_cannot_be_used_is_refused(case: str, empty: Path, tenrec_command: Tenrec) -> None:
    rows, said = BAD[case]
    (empty / "chain.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    answer = tenrec_command("price", "chain.csv")
    assert answer.status == 2
    assert said in answer.sentence
    assert [path.name for path in empty.iterdir()] == ["chain.csv"]


def test_the_exported_pricer_answers_without_tenrec(run: Path, empty: Path, tenrec_command: Tenrec) -> None:
    """In a process that cannot import tenrec: price, delta and vega are those of the run."""
    answer = tenrec_command("export", run, "--out", "pricer.pyz", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert json.loads(answer.out)["largest_difference"]["jax"] < 1e-9
    words = (
        "import sys, json; sys.modules['tenrec'] = None; sys.path.insert(0, 'pricer.pyz'); import tenrec_pricer as t\n"
        "found = t.greeks(strike=[92.0, 104.0], maturity=0.3, forward=101.0, kind='put')\n"
        "print(json.dumps({name: list(value) for name, value in found.items()}))\n"
        "try: t.price(strike=-1, maturity=1)\n"
        "except ValueError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True, cwd=empty)
    numbers, sentence = told.stdout.splitlines()
    wanted = tenrec.load(run).pricer.greeks(strike=np.array([92.0, 104.0]), maturity=0.3, forward=101.0, kind="put")
    for name, values in json.loads(numbers).items():
        np.testing.assert_allclose(values, wanted[name], rtol=1e-8, atol=1e-10)
    assert sentence == "strike is -1; positive numbers are needed."
    refused = tenrec_command("export", run, "--policy", "x")
    assert (refused.status, "holds a pricer and no policies" in refused.sentence) == (2, True)
