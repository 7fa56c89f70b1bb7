"""`tenrec.hedge` and what it returns: repeatable, kept, answerable, and accounted for."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from scipy.special import logsumexp
from scipy.stats import norm

import tenrec
from tenrec.core.errors import ConfigError, InputError, WorkError
from tenrec.runs.tables import explained
from tests.runs.tiny import Listening, duel, price_paths, tiny, without_seconds, write_config

COST, STEPS, YEARS, VOLATILITY, AVERSION = 0.001, 4, 20 / 365, 0.2, 20
POLICIES = ["no_hedge", "black_scholes_delta", "band_network", "feed_forward"]
LEARNED = ["band_network", "feed_forward"]
TABLES = ("curves", "history", "ledger", "pnl")


@pytest.fixture(scope="module")
def reseeded(tmp_path_factory: pytest.TempPathFactory) -> tenrec.Run:
    """The finished run's configuration, from a file, trained from another seed."""
    folder = tmp_path_factory.mktemp("reseeded")
    return tenrec.hedge(write_config(folder, duel()), out=folder / "run", overrides=["training.seed=5"])


def black_scholes_delta(spot: np.ndarray, years: np.ndarray) -> np.ndarray:
    """N(d₁) of a call struck at 1, without rates (Black and Scholes 1973)."""
    return norm.cdf(np.log(spot) / (VOLATILITY * np.sqrt(years)) + 0.5 * VOLATILITY * np.sqrt(years))


def by_path(ledger: pl.DataFrame) -> dict[str, np.ndarray]:
    """The columns of a ledger, shapes (paths, dates)."""
    ordered = ledger.sort("path", "date")
    return {name: ordered[name].to_numpy().reshape(-1, STEPS + 1) for name in ordered.columns}


def test_the_same_seed_gives_the_same_run(finished: tenrec.Run, empty: Path):
    config, reporter = duel(), Listening()
    again = tenrec.hedge(config, reporter=reporter)
    assert config == duel()
    assert again.path == Path("runs") / finished.folder.about()["id"]
    assert without_seconds(again.metrics) == without_seconds(finished.metrics)
    for name in TABLES:
        assert_frame_equal(again.folder.read_table(name), finished.folder.read_table(name), check_exact=True)
    assert [stage for stage, _ in reporter.stages] == ["train band network", "train feed forward", "evaluate"]
    for stage, total in reporter.stages:
        assert [done for heard, done in reporter.heard if heard == stage][-1] == total
    assert [path.name for path in empty.iterdir()] == ["runs"]


def test_another_seed_learns_another_policy_and_is_judged_on_the_same_paths(finished: tenrec.Run, reseeded: tenrec.Run):
    assert reseeded.config.training.seed == tenrec.load(reseeded.path).config.training.seed == 5
    assert_frame_equal(reseeded.ledger("black_scholes_delta"), finished.ledger("black_scholes_delta"))
    ours, theirs = (by_path(run.ledger("band_network")) for run in (finished, reseeded))
    assert np.abs(ours["position"] - theirs["position"]).max() > 1e-3
    one, other = (run.metrics["training"]["band_network"]["seeds_bp"] for run in (finished, reseeded))
    assert not set(one) & set(other)


def test_all_seeds_are_trained_and_the_best_is_kept(finished: tenrec.Run):
    history = finished.folder.read_table("history")
    for name in LEARNED:
        section = finished.metrics["training"][name]
        rows = history.filter(pl.col("stage") == name)
        assert rows["update"].to_list() == [2, 2, 4, 4, 6, 6]
        assert rows["seed"].to_list() == [0, 1] * 3
        best = [rows.filter(pl.col("seed") == seed)["score_bp"].min() for seed in (0, 1)]
        assert section["seeds_bp"] == pytest.approx(best, rel=1e-6)
        assert section["validation_bp"] == min(section["seeds_bp"]) < max(section["seeds_bp"])
        assert section["updates"] == 6
        assert section["training_bp"] == pytest.approx(rows["loss_bp"][-2:][int(np.argmin(best))])
    scores = {name: finished.metrics["training"][name]["validation_bp"] for name in LEARNED}
    assert finished.metrics["learned"] == min(scores, key=lambda name: scores[name])


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_brought_back_holds_what_the_trained_one_held(finished: tenrec.Run, name: str):
    """Asked date by date with the position before, a loaded policy repeats the ledger of the one that was trained."""
    rows = by_path(finished.ledger(name))
    before = np.concatenate([np.zeros_like(rows["position"][:, :1]), rows["position"][:, :-2]], axis=1)
    left = np.broadcast_to(YEARS * (1 - np.arange(STEPS) / STEPS), before.shape)
    asked = {"spot": rows["spot"][:, :-1], "time_to_maturity": left, "position": before, "implied_vol": VOLATILITY}
    held = tenrec.load(finished.path).policy(name).target(**asked)
    np.testing.assert_allclose(held, rows["position"][:, :-1], atol=2e-6)
    assert np.ptp(held) > 0.1 or name == "no_hedge"


def test_the_learned_policy_is_the_one_without_a_name(finished: tenrec.Run):
    asked = {"spot": np.array([0.97, 1.02]), "time_to_maturity": 10 / 365, "position": 0.9, "implied_vol": 0.2}
    learned = finished.metrics["learned"]
    other = next(name for name in LEARNED if name != learned)
    np.testing.assert_array_equal(finished.policy().target(**asked), finished.policy(learned).target(**asked))
    assert np.abs(finished.policy().target(**asked) - finished.policy(other).target(**asked)).max() > 1e-3
    assert_frame_equal(finished.ledger(), finished.ledger(learned))


def test_baselines_answer_by_their_kind(finished: tenrec.Run):
    spot, years = np.array([0.96, 1.0, 1.05]), np.array([5.0, 12.0, 20.0]) / 365
    asked = {"spot": spot, "time_to_maturity": years, "implied_vol": VOLATILITY}
    delta = black_scholes_delta(spot, years)
    np.testing.assert_allclose(finished.policy("black_scholes_delta").target(**asked), delta, atol=1e-6)
    # Leland (1985): the delta at σ² (1 + √(2/π)·(2·cost)/(σ√Δt)) for a sold option and one-way costs.
    period = YEARS / STEPS
    raised = VOLATILITY * np.sqrt(1 + np.sqrt(2 / np.pi) * 2 * COST / (VOLATILITY * np.sqrt(period)))
    deviation = raised * np.sqrt(years)
    leland = norm.cdf(np.log(spot) / deviation + 0.5 * deviation)
    np.testing.assert_allclose(finished.policy("leland").target(**asked), leland, atol=1e-6)
    # Whalley and Wilmott (1997): half-width (3/2 · cost · S · Γ² / a)^(1/3), a per unit of initial spot, no rates.
    gamma = norm.pdf(norm.ppf(delta)) / (spot * VOLATILITY * np.sqrt(years))
    half = (1.5 * COST * spot * gamma**2 / AVERSION) ** (1 / 3)
    edges = finished.policy("whalley_wilmott").band(**asked)
    assert edges is not None
    np.testing.assert_allclose(edges, (delta - half, delta + half), atol=2e-6)
    assert finished.policy("no_hedge").target(**asked).tolist() == [0.0] * 3
    assert finished.policy("leland").band(**asked) is None


@pytest.mark.parametrize("name", ["lelnd", "state_delta", "minimum_variance_delta"])
def test_a_policy_that_is_not_there_is_refused(finished: tenrec.Run, name: str):
    with pytest.raises(ConfigError, match=f"holds no policy '{name}'; choose from band_network, .*zakamouline"):
        finished.policy(name)
    with pytest.raises(ConfigError, match=f"no ledger of '{name}'; choose from no_hedge, "):
        finished.ledger(name)


def test_a_question_that_makes_no_sense_is_refused(finished: tenrec.Run):
    with pytest.raises(InputError, match="spot is -1; a positive price"):
        finished.policy().target(spot=-1.0, time_to_maturity=0.1)
    with pytest.raises(InputError, match=r"does not know implied_volatility; it knows strike"):
        finished.policy().target(spot=1.0, time_to_maturity=0.1, implied_volatility=0.2)


@pytest.mark.parametrize("name", POLICIES)
def test_the_ledger_balances(finished: tenrec.Run, name: str):
    """Without interest, cash changes by what is paid for units, by costs and by the option's payoff, and no more."""
    rows = by_path(finished.ledger(name))
    spot, position, trade, cost = (rows[column] for column in ("spot", "position", "trade", "cost"))
    np.testing.assert_allclose(trade, np.diff(position, axis=1, prepend=0.0), atol=1e-6)
    np.testing.assert_allclose(position[:, -1], 0.0)
    charged = COST * np.abs(trade) * spot * (np.arange(STEPS + 1) < STEPS)  # giving up the last position is free
    np.testing.assert_allclose(cost, charged, atol=1e-8)
    payoff = np.maximum(spot[:, -1] - 1.0, 0.0)
    assert payoff.max() > 0.01
    flows = np.zeros_like(spot)
    flows[:, -1] = -payoff
    np.testing.assert_allclose(rows["cash"], np.cumsum(flows - trade * spot - cost, axis=1), atol=2e-6)
    np.testing.assert_allclose(rows["pnl"][:, -1], rows["cash"][:, -1], atol=1e-7)
    kept = finished.pnl()[name].to_numpy()[: spot.shape[0]]
    np.testing.assert_allclose(rows["pnl"][:, -1] * 1e4, kept, atol=0.02)


def test_marks_before_expiry_are_black_scholes_values(finished: tenrec.Run):
    """Unhedged, the P&L before the end is minus the option's value at the volatility of the date."""
    rows = by_path(finished.ledger("no_hedge"))
    spot, years = rows["spot"][:, :-1], YEARS * (1 - np.arange(STEPS) / STEPS)
    deviation = VOLATILITY * np.sqrt(years)
    above = np.log(spot) / deviation + 0.5 * deviation
    value = spot * norm.cdf(above) - norm.cdf(above - deviation)
    np.testing.assert_allclose(rows["pnl"][:, :-1], -value, atol=1e-6)


@pytest.mark.parametrize("name", POLICIES)
def test_metrics_are_those_of_the_pnl(finished: tenrec.Run, name: str):
    loss = -finished.pnl()[name].to_numpy()
    entry = finished.metrics["policies"][name]
    worst = np.sort(loss)[-5:]  # 5 % of 100 paths
    entropic = (logsumexp(AVERSION * loss / 1e4) - np.log(len(loss))) / AVERSION * 1e4
    found = {key: entry[key]["value"] for key in ("risk_bp", "mean_bp", "std_bp", "cvar95_bp")}
    expected = {"risk_bp": entropic, "mean_bp": -loss.mean(), "std_bp": loss.std(), "cvar95_bp": worst.mean()}
    assert found == pytest.approx(expected, rel=2e-3)
    for key in found:
        assert entry[key]["low"] < entry[key]["value"] < entry[key]["high"]
    reference = finished.metrics["policies"]["black_scholes_delta"]
    assert entry["ratio"]["std"]["value"] == pytest.approx(found["std_bp"] / reference["std_bp"]["value"])
    assert entry["difference_bp"]["value"] == pytest.approx(found["risk_bp"] - reference["risk_bp"]["value"], abs=1e-6)


@pytest.mark.parametrize("name", POLICIES)
def test_costs_and_trades_are_those_of_the_ledger(finished: tenrec.Run, name: str):
    rows, entry = by_path(finished.ledger(name)), finished.metrics["policies"][name]
    assert len(rows["cost"]) == 100
    assert entry["cost_bp"] == pytest.approx(1e4 * rows["cost"].sum(axis=1).mean(), rel=1e-5)
    traded = np.abs(rows["trade"] * rows["spot"])[:, :-1]
    assert entry["turnover"] == pytest.approx(traded.sum(axis=1).mean(), rel=1e-5)
    assert entry["trades"] == pytest.approx((np.abs(rows["trade"][:, :-1]) > 1e-7).sum(axis=1).mean(), rel=1e-5)


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "negative volatility": ({"market": {"volatility": -0.2}}, "'market.volatility' is -0.2"),
    "zero steps": ({"grid": {"steps": 0}}, "'grid.steps' is 0"),
    "cost of 5": ({"costs": {"proportional": 5}}, "'costs.proportional' is 5; it must be less than 1"),
    "unknown key": ({"risk": {"aversoin": 3}}, "'risk.aversoin' is not known for entropic; did you mean 'aversion'?"),
    "price file missing": ({"market": {"model": "bootstrap", "file": "prices.csv"}}, "prices.csv"),
    "path file missing": ({"market": {"model": "arrays", "file": "paths.npy"}}, "paths.npy"),
    "path of other length": ({"market": {"model": "arrays", "file": "short.npy"}}, "has 3 columns; grid.steps = 4"),
    "prices below zero": ({"market": {"model": "arrays", "file": "negative.npy"}}, "row 2, column 3"),
    "no row to be judged on": (
        {"market": {"model": "arrays", "file": "good.npy", "train_rows": 5}},
        "market.train_rows is 5 and the file has 5 rows",
    ),
    "unknown feature": (
        {"policy": {"features": ["log_moneynes"]}},
        "policy feature 'log_moneynes' is not known here; choose from",
    ),
    "unknown feature of a rival": (
        {"rivals": [{"kind": "feed_forward", "features": ["return_5d"]}]},
        "policy feature 'return_5d' is not known here",
    ),
    "optimum of another risk": (
        {
            "risk": {"measure": "worst_case"},
            "evaluate": {"against": ["black_scholes_delta", "optimum"]},
        },
        "risk.measure is 'worst_case'; the exact optimum is computed for entropic, cvar, mean_std, mean_variance and",
    ),
    "expiry between dates": (
        {"contract": [{"days": 20}, {"days": 7}]},
        "contract.days is 7, which is not on a trading date",
    ),
    "half an antithetic pair": (
        {"market": {"sampling": "antithetic"}, "evaluate": {"paths": 301, "against": ["black_scholes_delta"]}},
        "evaluate.paths is 301",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence_and_leaves_nothing(name: str, empty: Path):
    sections, words = BAD[name]
    prices = price_paths(5, STEPS)
    np.save(empty / "good.npy", prices)
    np.save(empty / "short.npy", prices[:, :3])
    prices[1, 2] = -1.0
    np.save(empty / "negative.npy", prices)
    path = write_config(empty, tiny(**sections))
    before = sorted(empty.iterdir())
    with pytest.raises(InputError) as refusal:
        tenrec.hedge(path, out=empty / "new" / "run")
    message = str(refusal.value)
    assert words in message
    assert message.endswith(".")
    assert "\n" not in message
    assert sorted(empty.iterdir()) == before


def test_a_missing_configuration_is_refused(empty: Path):
    with pytest.raises(ConfigError, match=r"nowhere.yaml does not exist; give the path of a YAML file"):
        tenrec.hedge("nowhere.yaml")
    assert list(empty.iterdir()) == []


def test_training_that_fails_says_how_to_go_on(empty: Path):
    """A book so large that single precision overflows: the loss is not a number."""
    line = {"kind": "feed_forward", "hidden": [], "features": ["log_moneyness"]}
    market = {"model": "black_scholes", "spot": 90.0}
    sold = {"kind": "european_call", "strike": 90.0, "days": 20, "quantity": -1e9}
    training = {**tiny()["training"], "per_dispatch": 1}
    with pytest.raises(WorkError) as failure:
        tenrec.hedge(tiny(market=market, contract=sold, policy=line, training=training), out="run")
    said = r".* at update (\d), the checkpoint of update (\d) is kept; lower training.learning_rate \(now 0.01\).*"
    found = re.fullmatch(said, str(failure.value))
    assert found is not None, failure.value
    assert int(found[2]) == int(found[1]) - 1 > 0
    assert (empty / "run" / "checkpoints" / "feed_forward.eqx").is_file()
    with pytest.raises(ConfigError, match="has not finished"):
        tenrec.load("run")


def test_the_pnl_is_explained_to_the_last_cent(finished: tenrec.Run):
    """The parts of every path sum to its marked P&L at the end; the report's table is their mean and spread."""
    ledger = finished.folder.read_table("ledger")
    parts = [column for column in ledger.columns if column.startswith("pnl_")]
    assert len(parts) == 8
    ends = ledger.group_by("policy", "path", maintain_order=True).agg(
        pl.sum_horizontal(parts).sum().alias("explained"), pl.col("pnl").last()
    )
    np.testing.assert_allclose(ends["explained"], ends["pnl"], atol=2e-6)
    table = explained(ledger).filter(pl.col("policy") == "no_hedge")
    total = table.filter(pl.col("part") == "total")
    own = ends.filter(pl.col("policy") == "no_hedge")["pnl"].to_numpy() * 1e4
    assert total["mean_bp"].item() == pytest.approx(own.mean(), rel=1e-5)
    assert total["std_bp"].item() == pytest.approx(own.std(ddof=1), rel=1e-5)
    assert table.filter(pl.col("part") == "cost")["mean_bp"].item() == 0.0
