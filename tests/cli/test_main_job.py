"""`tenrec hedge` without a configuration, with little training: what the main job is made of, and asked afterwards."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

import tenrec
from tests.cli.conftest import Tenrec

LESS = ["--set=training.updates=4", "--set=training.per_dispatch=2", "--set=market.mix.paths=20", "--set=rivals=[]"]


def test_the_main_job(tenrec_command: Tenrec, tmp_path: Path):
    """One test, since workers share no runs: the figures, the ledger, and advice afterwards."""
    place = tmp_path / "run"
    answer = tenrec_command("hedge", *LESS, "--out", place, "--json")
    assert (answer.status, answer.err) == (0, "")
    document = json.loads(answer.out)
    run = tenrec.load(place)
    assert document == {"run": str(place), "report": str(place / "report.html"), **run.metrics}
    assert document["kind"] == "recorded"
    assert list(document["policies"]) == [
        "no_hedge",
        "black_scholes_delta_entry",
        "black_scholes_delta",
        "minimum_variance_delta",
        "whalley_wilmott",
        "state_delta",
    ]
    # Standard deviation and CVaR 95 %, bp of the forward at sale, as an independent computation gives them for the
    # same years; it stops two days before expiry and has a few contracts more.
    expected = {"no_hedge": (391, 1131), "black_scholes_delta_entry": (103, 362), "black_scholes_delta": (95, 323)}
    for name, (std, tail) in expected.items():
        entry = document["policies"][name]
        assert entry["std_bp"]["value"] == pytest.approx(std, rel=0.05)
        assert entry["cvar95_bp"]["value"] == pytest.approx(tail, rel=0.05)
    assert document["policies"]["black_scholes_delta"]["cost_bp"] == pytest.approx(7, abs=1)
    contracts = run.pnl()
    assert contracts.height == document["paths"] > 450
    assert contracts["expiry"].n_unique() == document["clusters"]
    assert str(contracts["entry"].min()) > "2020"
    assert document["validation"]["folds"][:3] == ["2017", "2018", "2019"]
    keeps_a_ledger_that_balances(place)
    gives_advice_on_a_listed_option(tenrec_command, place)


def keeps_a_ledger_that_balances(place: Path) -> None:
    """Margined, with interest: cash grows by 2.5 % a year, moves with the forward, and pays 5 bp of what is traded."""
    ledger = tenrec.load(place).ledger("state_delta").with_columns(day=pl.col("date").cast(pl.Int32))
    part = ledger.filter(pl.col("path") == ledger["path"][0])
    spot, position, cash = (part[name].to_numpy() for name in ("spot", "position", "cash"))
    assert len(spot) > 10
    growth = np.exp(0.025 * np.diff(part["day"].to_numpy()) / 365)
    moves = position[:-1] * np.diff(spot)
    steps = cash[1:-1] - (cash[:-2] * growth[:-1] + moves[:-1] - part["cost"].to_numpy()[1:-1])
    np.testing.assert_allclose(steps, 0.0, atol=2e-5)
    np.testing.assert_allclose(part["cost"], 5e-4 * part["trade"].abs() * spot * (np.arange(len(spot)) < len(spot) - 1),
                               atol=1e-7)  # fmt: skip


def gives_advice_on_a_listed_option(tenrec_command: Tenrec, place: Path) -> None:
    asked = ["advise", place, "--spot", 3.1, "--days-to-expiry", 20, "--implied-vol", 0.22, "--json"]
    assert "--strike was not given" in tenrec_command(*asked).sentence
    answer = json.loads(tenrec_command(*asked, "--strike", 3.0).out)
    deviation = 0.22 * np.sqrt(20 / 365)
    assert answer["black_scholes_delta"] == pytest.approx(
        norm.cdf(np.log(3.1 / 3.0) / deviation + deviation / 2), abs=2e-3
    )
    assert answer["hold"] == pytest.approx(answer["black_scholes_delta"], abs=0.4)
    risen = json.loads(tenrec_command(*asked, "--strike", 3.0, "--signal", "return_5d=2").out)
    assert risen["hold"] != answer["hold"]
    assert risen["black_scholes_delta"] == answer["black_scholes_delta"]
    assert "is not a number" in tenrec_command(*asked, "--strike", 3.0, "--signal", "return_5d=up").sentence
