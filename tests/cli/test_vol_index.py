"""`tenrec vol index`, `surface` and `strategy` as a user calls them."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cli.conftest import Tenrec
from tests.volatility.records import made_futures, made_record

HEADER = "date,expiry,kind,strike,bid,ask"


def chain(folder: Path, expiries=("2021-01-20", "2021-02-17"), kinds=("call", "put"), days=("2021-01-04",)) -> Path:
    """A chain around 100 with a smile that is worth quoting."""
    rows = [HEADER]
    for day in days:
        for place, expiry in enumerate(expiries):
            for kind in kinds:
                for strike in range(80, 121, 4):
                    inside = max((100 - strike) * (1 if kind == "call" else -1), 0.0)
                    value = inside + (2.0 + place) * float(np.exp(-0.5 * ((strike - 100) / (7.0 + place)) ** 2)) + 0.02
                    rows.append(f"{day},{expiry},{kind},{strike},{value - 0.01:.3f},{value + 0.01:.3f}")
    path = folder / "chain.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


@pytest.mark.usefixtures("empty")
def test_an_index(tenrec_command: Tenrec, tmp_path: Path):
    answer = tenrec_command("vol", "index", chain(tmp_path, days=("2021-01-04", "2021-01-05")), "--json")
    assert answer.status == 0
    metrics = json.loads(answer.out)
    assert [row["days"] for row in metrics["latest"]] == [30.0]
    row = metrics["latest"][0]
    assert row["near"] == "2021-01-20"
    assert row["next"] == "2021-02-17"
    assert 0.5 < 100 * row["variance_swap"] / row["index"] < 1.5
    assert row["volatility_swap"] < row["variance_swap"]
    series = pl.read_parquet(Path(metrics["run"]) / "index.parquet")
    assert series["date"].n_unique() == 2
    assert Path(metrics["report"]).stat().st_size > 1e5
    shown = tenrec_command("vol", "index", tmp_path / "chain.csv", "--date", "2021-01-04")
    assert shown.status == 0
    assert "30 days on 2021-01-04: index" in " ".join(shown.out.split())


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize("model", ["svi", "essvi"])
def test_a_surface(tenrec_command: Tenrec, tmp_path: Path, model: str):
    answer = tenrec_command("vol", "surface", chain(tmp_path), "--model", model, "--json")
    assert answer.status == 0
    metrics = json.loads(answer.out)
    assert metrics["slices"] == 2
    if model == "essvi":
        assert metrics["arbitrage"] == {"butterfly": 0.0, "calendar": 0.0}
    table = pl.read_parquet(Path(metrics["run"]) / "surface.parquet")
    assert table["svi_slope"].min() > 0  # type: ignore[operator]
    assert {"surface.parquet", "days.parquet", "metrics.json", "report.html"} == {
        path.name for path in Path(metrics["run"]).iterdir()
    }


@pytest.mark.usefixtures("empty")
def test_a_strategy(tenrec_command: Tenrec, tmp_path: Path):
    record = made_record()
    price = 100.0 * np.exp(np.cumsum(record.returns))
    dates = pl.Series(record.dates).cast(pl.Date)
    pl.DataFrame({"date": dates, "close": price}).write_csv("index.csv")
    pl.DataFrame({"date": dates, "close": 100.0 * record.implied}).write_csv("vix.csv")
    made_futures("2013-01-02", 500).write_csv("futures.csv")
    words = ("vol", "strategy", "index.csv", "--vix", "vix.csv", "--futures", "futures.csv")
    answer = tenrec_command(*words, "--json")
    assert answer.status == 0
    metrics = json.loads(answer.out)
    assert len(metrics["strategies"]) == 8
    assert metrics["futures"]["contango_share"] == 1.0
    wealth = pl.read_parquet(Path(metrics["run"]) / "wealth.parquet")
    own = wealth.filter(pl.col("strategy") == "variance plain")["wealth"].to_numpy()
    mean = np.diff(own).mean() * record.days_per_year
    assert metrics["strategies"]["variance plain"]["mean"] == pytest.approx(mean, rel=2e-3)
    short = tenrec_command(*words, "--from", "2014-12-31")
    assert short.status == 2
    assert "leaves enough days on either side" in short.sentence


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kinds": ("call",)}, "no quoted put"),
        ({"kinds": ("put",)}, "no quoted call"),
        ({"expiries": ("2021-03-17", "2021-04-21")}, "do not bracket 30 days"),
        ({"expiries": ("2021-01-20",)}, "expiries of 16 days"),
    ],
)
def test_chains_that_have_no_index(tenrec_command: Tenrec, tmp_path: Path, given: dict, said: str):
    answer = tenrec_command("vol", "index", chain(tmp_path, **given))
    assert answer.status == 2
    assert said in answer.sentence
    assert not Path("runs").exists()


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("index", "none.csv"), "does not exist"),
        (("index", "chain.csv", "--days", "0"), "--days is 0"),
        (("index", "chain.csv", "--date", "2020-01-01"), "nearest of its 1 days is 2021-01-04"),
        (("surface", "chain.csv", "--model", "spline"), "svi or essvi"),
        (("surface", "chain.csv", "--style", "asian"), "european or american"),
        (("index", "chain.csv", "--out", "taken"), "not of an earlier `tenrec vol index`"),
        (("index", "--date", "2019-13-01"), "a day such as"),
        (("strategy", "chain.csv", "--vix", "none.csv"), "chain.csv"),
    ],
)
def test_words_that_cannot_be_used(tenrec_command: Tenrec, tmp_path: Path, words: tuple[str, ...], said: str):
    chain(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "mine.txt").write_text("mine", encoding="utf-8")
    answer = tenrec_command("vol", *words)
    assert answer.status == 2
    assert said in answer.sentence
