"""A made-up panel through the command: what it writes, that it continues, and what it refuses."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenrec.backtest.quotes import black_value
from tenrec.cli.backtest import show
from tenrec.core.errors import ConfigError, DataError
from tenrec.runs.backtest import default_file, kind_of, run_backtest
from tenrec.runs.panel.api import resume_panel
from tenrec.runs.panel.desk import PanelDesk
from tenrec.runs.panel.loading import load_panel_config
from tenrec.runs.panel.words import panel_findings
from tenrec.runs.vol.saved import save_forecaster
from tenrec.volatility.forecast.forecaster import Forecaster

SESSIONS = 90
START = dt.date(2021, 1, 1)
EXPIRIES = (START + dt.timedelta(days=85), START + dt.timedelta(days=150))
SETTINGS = {
    "contract": {"quantity": 1, "multiplier": 100, "days": [10, 20]},
    "rate": 0.0,
    "training": {"updates": 20, "seeds": 2},
    "deltas": [
        "no_hedge",
        "black_scholes_delta",
        "sticky_moneyness_delta",
        "bartlett_delta",
        "shrunk_delta",
        "clipped_linear",
        "state_network",
    ],
}


def quotes(sessions: int = SESSIONS) -> pl.DataFrame:
    """Daily closes of calls and puts of two expiries, priced at one volatility that wanders."""
    rng = np.random.default_rng(5)
    spot = 100.0 * np.exp(np.cumsum(0.01 * rng.standard_normal(sessions)))
    volatility = 0.2 + np.cumsum(0.002 * rng.standard_normal(sessions))
    rows = []
    for day in range(sessions):
        date = START + dt.timedelta(days=day)
        for expiry in EXPIRIES:
            years = (expiry - date).days / 365.0
            if years <= 0:
                continue
            for strike in np.arange(85.0, 116.0, 5.0):
                for kind, sign in (("call", 1.0), ("put", -1.0)):
                    total = volatility[day] * np.sqrt(years)
                    value = black_value(*(np.array([x]) for x in (sign, spot[day], strike, total)))[0]
                    rows.append((date, expiry, kind, strike, max(value, 1e-6), spot[day]))
    return pl.DataFrame(rows, schema=["date", "expiry", "kind", "strike", "close", "spot"], orient="row")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("panel")
    quotes().write_parquet(folder / "quotes.parquet")
    (folder / "panel.yaml").write_text(json.dumps({"panel": "quotes.parquet", **SETTINGS}))
    return folder


@pytest.fixture(scope="module")
def done(place: Path):
    return run_backtest(place / "panel.yaml", out=place / "run")


def test_writes_what_it_promises(done):
    metrics = done.metrics
    assert metrics["to_expiry"]["contracts"] > 5
    assert set(metrics["one_session"]["gains"]) == set(SETTINGS["deltas"]) - {"black_scholes_delta"}
    assert metrics["one_session"]["gains"]["no_hedge"]["value"] < 0
    assert metrics["learned"] in {"shrunk_delta", "clipped_linear", "state_network"}
    text = (done.path / "report.html").read_text()
    for sentence in panel_findings(metrics):
        assert sentence.split(" of ")[0].split("'")[0] in text
    assert metrics["one_session"]["trained_until"] < metrics["one_session"]["from"]


def test_positions_are_units_of_the_underlying(done):
    """A held at-the-money call of 100 units is hedged by about −50 units, and its P&L ends at what the table says."""
    table = done.positions()
    csv = pl.read_csv(done.path / "positions.csv", try_parse_dates=True)
    assert csv.select("policy", "date", "contract").equals(table.select("policy", "date", "contract"))
    own = table.filter(pl.col("policy") == "black_scholes_delta")
    calls = own.filter(pl.col("contract").str.starts_with("C"))
    assert calls["position"].min() >= -100.0
    assert calls["position"].max() <= 0.0
    assert calls["position"].min() < -60.0
    last = own.sort("date").group_by("contract").last()["pnl"].sum()
    assert last == pytest.approx(done.metrics["to_expiry"]["policies"]["black_scholes_delta"]["pnl"], rel=1e-3)
    unhedged = table.filter(pl.col("policy") == "no_hedge")
    assert unhedged["position"].abs().max() == 0.0


def test_continues_with_what_it_had_learned(done, place: Path):
    before = json.loads((done.path / "metrics.json").read_text())
    about = json.loads((done.path / "run.json").read_text())
    learned = (done.path / "policies" / "state_network.eqx").stat().st_mtime_ns
    (done.path / "run.json").write_text(json.dumps({**about, "state": "started"}))
    (done.path / "metrics.json").unlink()
    (done.path / "policies" / "clipped_linear.eqx").unlink()
    after = resume_panel(done.path).metrics
    assert (done.path / "policies" / "state_network.eqx").stat().st_mtime_ns >= learned
    assert {**before, "seconds": 0} == {**after, "seconds": 0}


def test_the_content_says_what_is_run(place: Path):
    assert kind_of(default_file()).key == "panel"
    assert kind_of(place / "quotes.parquet").key == "panel"
    assert load_panel_config(default_file()).bundled
    assert load_panel_config(place / "quotes.parquet").panel == "quotes.parquet"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("contract.quantity=0", "sells a contract"),
        ("contract.days=[45, 20]", "smaller number comes first"),
        ("state.features=[tea_leaves]", "tea_leaves"),
        ("split.test_from=1999-01-01", "split needs"),
        ("steps.colour=red", "not known"),
        ("deltas=[magic]", "it must be"),
        ("steps.days=[500, 600]", "widen"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(place: Path, tmp_path: Path, change: str, said: str):
    with pytest.raises((ConfigError, DataError), match=said) as refused:
        run_backtest(place / "panel.yaml", out=tmp_path / "run", overrides=[change])
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "run").exists()


def test_a_short_record_is_refused(tmp_path: Path):
    quotes(4).write_csv(tmp_path / "few.csv")
    with pytest.raises(DataError, match="4 dates"):
        run_backtest(tmp_path / "few.csv", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def coins(tmp_path_factory: pytest.TempPathFactory):
    """A month in the layout of a coin-margined exchange: two coins in one file, quoted in coin and in percent."""
    table = quotes(40).with_columns(
        snapshot_utc=pl.col("date").cast(pl.Datetime).dt.strftime("%Y-%m-%d 02:00:00"),
        underlying_price=1000.0 * pl.col("spot"), mark_price=pl.col("close") / pl.col("spot"), mark_iv=20.0,
        strike=1000.0 * pl.col("strike"), type="kind", underlying=pl.lit("BTC"),
        instrument=pl.format("BTC-{}-{}", "expiry", "strike"), expiry=pl.col("date").min() + pl.duration(days=35),
    ).filter(pl.col("date") <= pl.col("expiry"))  # fmt: skip
    table = table.unique(["date", "strike", "type"], maintain_order=True, keep="first")
    years = (pl.col("expiry") - pl.col("date")).dt.total_days() / 365.0 + 6.0 / 24.0 / 365.0
    sign = np.where(table["type"].to_numpy() == "call", 1.0, -1.0)
    total = 0.2 * np.sqrt(table.select(years).to_series().to_numpy())
    value = black_value(sign, table["underlying_price"].to_numpy(), table["strike"].to_numpy(), total)
    table = table.with_columns(mark_price=pl.Series(value) / pl.col("underlying_price"))
    table = table.with_columns(bid=0.99 * pl.col("mark_price"), ask=1.01 * pl.col("mark_price"))
    other = table.head(20).with_columns(underlying=pl.lit("ETH"))
    folder = tmp_path_factory.mktemp("coins")
    pl.concat([table, other]).drop("close", "spot", "kind", "date").write_parquet(folder / "coins.parquet")
    changes = ["deltas=[no_hedge, black_scholes_delta, bartlett_delta, clipped_linear]", "contract.days=[10, 30]"]
    return run_backtest(folder / "coins.parquet", out=folder / "run", overrides=changes)


def test_options_in_coin_are_hedged_and_accounted_in_coin(coins):
    metrics = coins.metrics
    assert metrics["coin"] == metrics["currency"] == "BTC"
    assert "clipped_linear" not in metrics["labels"]  # 35 sessions teach nothing
    assert any("too few to learn" in sentence for sentence in panel_findings(metrics))
    assert any("BTC is used" in note for note in metrics["notes"])
    assert metrics["one_session"]["gains"]["no_hedge"]["value"] < -300.0
    held, table = pl.read_parquet(coins.path / "pnl.parquet"), coins.positions()
    assert len(held) == metrics["to_expiry"]["contracts"] > 5
    for contract in held.iter_rows(named=True):
        own = table.filter(
            (pl.col("contract") == contract["contract"]) & (pl.col("policy") == "black_scholes_delta")
        ).sort("date")
        forward, position = own["forward"].to_numpy(), own["position"].to_numpy()
        sign = 1.0 if contract["kind"] == "call" else -1.0
        payoff = max(sign * (contract["settlement"] - contract["strike"]), 0.0)
        # One contract of one dollar pays 1/F − 1/F' coin; the option pays its value in coin.
        variation = np.sum(position[:-1] * (1.0 / forward[:-1] - 1.0 / forward[1:]))
        expected = contract["premium"] / contract["forward"] + variation - payoff / contract["settlement"]
        assert own["pnl"][-1] == pytest.approx(expected, abs=2e-6)
        assert own["pnl_quote"][-1] == pytest.approx(expected * contract["settlement"], abs=0.2)


def test_the_terminal_and_the_document_say_the_same(done, coins, capsys: pytest.CaptureFixture[str]):
    for run in (done, coins):
        show(run, as_json=True)
        document = json.loads(capsys.readouterr().out)
        assert document["report"] == str(run.path / "report.html")
        assert {name: document[name] for name in run.metrics} == run.metrics
        show(run, as_json=False)
        told = " ".join(capsys.readouterr().out.split())
        assert panel_findings(run.metrics)[0].split(",")[0][:20] in told
        assert "report.html" in told


def test_the_wing_is_compared_with_no_hedge_too(done):
    wing = done.metrics["one_session"]["wing"]
    assert wing["rows"] > 20
    own = wing["policies"]["shrunk_delta"]
    assert set(own["over"]) == {"black_scholes_delta", "no_hedge"}
    rms = {name: entry["rms_bp"] for name, entry in wing["policies"].items()}
    expected = 100.0 * (1.0 - (rms["shrunk_delta"] / rms["no_hedge"]) ** 2)
    assert own["over"]["no_hedge"]["value"] == pytest.approx(expected)
    text = (done.path / "report.html").read_text()
    assert "In the wing" in text


def test_a_foreign_folder_is_left_alone(place: Path, tmp_path: Path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ConfigError, match="not the folder"):
        run_backtest(place / "panel.yaml", out=tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep"


def test_a_forecaster_and_named_files_join_the_states_without_the_future(done, place: Path):
    """Later forecasts and later values move no state of an earlier step; the forecast's delta joins the comparison."""
    days = np.array([START + dt.timedelta(days=day) for day in range(SESSIONS)], "datetime64[D]")
    cut = days[70]
    rng = np.random.default_rng(1)
    variance, score = 1e-4 * (1.0 + rng.random((SESSIONS, 2))), rng.standard_normal(SESSIONS)
    desks = []
    for name, scale in (("past", 1.0), ("future", 9.0)):
        late = np.where(days > cut, scale, 1.0)
        made = Forecaster("har", "x", 365.0, days, (1, 22), variance * late[:, None])
        save_forecaster(made, place / f"{name}.parquet")
        pl.DataFrame({"date": days, "score": score * late}).write_csv(place / f"{name}.csv")
        changes = [f"forecaster={name}.parquet", f"signals.score={name}.csv:score"]
        config = load_panel_config(place / "panel.yaml", [*changes, "state.features=[score,forecast_to_implied]"])
        desks.append(PanelDesk(config, place))
    first, second = (desk.sample.paths for desk in desks)
    assert first.signal_names[-2:] == ("forecast_to_implied", "score")
    known = (desks[0].steps["trade_date"] <= cut.item()).to_numpy()
    past, future = np.asarray(first.signals), np.asarray(second.signals)
    np.testing.assert_array_equal(past[known], future[known])
    assert not np.array_equal(past[~known], future[~known])
    assert desks[0].named[-1] == "forecast_delta"
    assert desks[0].told["signals"]["score"] == {"file": "past.csv", "column": "score", "lag": 0, "first": "2021-01-01",
                                                 "share": 1.0}  # fmt: skip
    # What each step sees is the forecast over the volatility of its own close.
    row = int(np.flatnonzero(known)[-1])
    step = desks[0].steps.row(row, named=True)
    expected = Forecaster("har", "x", 365.0, days, (1, 22), variance).volatility(
        np.array([step["trade_date"]], "datetime64[D]"), 30.0
    )
    assert past[row, 0, -2] == pytest.approx(np.log(expected[0] / step["atm_volatility"]), rel=1e-5)


def test_a_forecast_delta_is_hedged_with_to_expiry(done, place: Path, tmp_path: Path):
    """At a forecast equal to what is implied the delta is Black–Scholes'; judged and told as all others."""
    days = np.array([START + dt.timedelta(days=day) for day in range(SESSIONS)], "datetime64[D]")
    save_forecaster(Forecaster("har", "x", 365.0, days, (22,), np.full((SESSIONS, 1), 1e-4)), place / "flat.parquet")
    changes = ["forecaster=flat.parquet", "deltas=[black_scholes_delta]"]
    run = run_backtest(place / "panel.yaml", out=tmp_path / "run", overrides=changes)
    assert run.metrics["one_session"]["gains"]["forecast_delta"]["value"] != 0.0
    assert run.metrics["to_expiry"]["policies"]["forecast_delta"]["rms_bp"] > 0.0
    assert any(
        "Forecasts of HAR (x) are known from 2021-01-01 on, on 100%" in said for said in panel_findings(run.metrics)
    )
    with pytest.raises(ConfigError, match=r"deltas names 'forecast_delta' and there is no forecaster; give the file"):
        load_panel_config(place / "panel.yaml", ["deltas=[forecast_delta]"])
    with pytest.raises(ConfigError, match=r"signals names 'heston_delta', which is known already"):
        load_panel_config(place / "panel.yaml", ["signals.heston_delta=past.csv:score"])
