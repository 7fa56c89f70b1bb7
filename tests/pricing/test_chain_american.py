"""American chains: the surface under them is found, and nothing is used as if it were European."""

from pathlib import Path

import numpy as np
import pytest

from tenrec.core.errors import DataError
from tenrec.data.chain import read_chain
from tenrec.pricing.chain_forwards import parity_fits
from tenrec.pricing.chain_quotes import chain_quotes
from tenrec.pricing.early_exercise import AmericanExpiry

SPOT, RATE, DIVIDEND = 100.0, 0.05, 0.02
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def smile(strike: np.ndarray, maturity: float) -> np.ndarray:
    return 0.22 - 0.25 * np.log(strike / SPOT) + 0.02 * maturity


@pytest.fixture(scope="module")
def american(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chain of American options priced off a known smile, rate and dividend yield."""
    lines = ["date,stock price,strike,time to maturity,option price,type,style"]
    strike = np.arange(80.0, 121.0, 2.0)
    for maturity in (0.02, 0.25, 1.0):
        expiry = AmericanExpiry(SPOT, maturity, RATE, DIVIDEND)
        for sign, kind in ((1.0, "call"), (-1.0, "put")):
            price = expiry.value(np.full(strike.size, sign), strike, smile(strike, maturity))
            lines += [
                f"2024-01-02,{SPOT},{k},{maturity},{p:.8f},{kind},American" for k, p in zip(strike, price, strict=True)
            ]
    path = tmp_path_factory.mktemp("american") / "american.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_rate_forward_and_smile_are_found_under_american_prices(american: Path) -> None:
    quotes = chain_quotes(read_chain(american))
    maturity = quotes.expiries["maturity"].to_numpy()
    forward = SPOT * np.exp((RATE - DIVIDEND) * maturity)
    np.testing.assert_allclose(quotes.expiries["forward"].to_numpy(), forward, rtol=2e-4)
    np.testing.assert_allclose(quotes.expiries["discount"].to_numpy(), np.exp(-RATE * maturity), atol=2e-3)
    table = quotes.table
    exact = smile(table["strike"].to_numpy(), table["maturity"].to_numpy())
    np.testing.assert_allclose(table["volatility"].to_numpy(), exact, atol=1.5e-3)
    assert table["early_exercise"].max() > 0.05
    assert any("early exercise taken off" in said for said in quotes.assumptions)


def test_exercised_puts_that_tilt_parity_below_zero_interest_are_seen_through(tmp_path: Path) -> None:
    """At 10 % volatility many puts are worth their exercise, and parity of the prices as they are tells rates below 0,
    under which no put can be converted; the rate under them is 5 %.
    """
    lines, strike = ["date,stock price,strike,time to maturity,bid,ask,type,style"], np.arange(92.0, 111.0)
    for maturity in (0.5, 1.0):
        expiry = AmericanExpiry(SPOT, maturity, RATE, 0.03)
        for sign, kind in ((1.0, "call"), (-1.0, "put")):
            price = expiry.value(np.full(strike.size, sign), strike, np.full(strike.size, 0.1))
            lines += [
                f"2024-01-02,{SPOT},{k},{maturity},{p - 0.01:.6f},{p + 0.01:.6f},{kind},American"
                for k, p in zip(strike, price, strict=True)
            ]
    (tmp_path / "calm.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    plain = read_chain(tmp_path / "calm.csv")
    assert all(fit is not None and fit.discount > 1.0 for fit in parity_fits(plain.quotes).values())
    quotes = chain_quotes(plain)
    assert set(quotes.expiries["source"]) == {"parity"}
    forward = SPOT * np.exp((RATE - 0.03) * quotes.expiries["maturity"].to_numpy())
    np.testing.assert_allclose(quotes.expiries["forward"].to_numpy(), forward, rtol=1e-3)


def test_as_european_the_volatilities_are_wrong(american: Path) -> None:
    """What the conversion is for: the same chain said to be European is off by ten times as much."""
    quotes = chain_quotes(read_chain(american, style="european"))
    table = quotes.table.filter(quotes.table["maturity"] == 1.0)
    exact = smile(table["strike"].to_numpy(), table["maturity"].to_numpy())
    assert np.max(np.abs(table["volatility"].to_numpy() - exact)) > 5e-3


def test_without_a_spot_american_quotes_are_refused(tmp_path: Path) -> None:
    lines = ["strike,maturity,price,type,style"] + [
        f"{k},0.5,{3 + abs(k - 100) / 9},call,american" for k in range(90, 111)
    ]
    path = tmp_path / "c.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="no price of the underlying, which early exercise depends on"):
        chain_quotes(read_chain(path))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded data of ../shared/data are absent")
def test_a_recorded_american_chain_is_used_and_said() -> None:
    quotes = chain_quotes(read_chain(SHARED / "spy_options_2021" / "options.parquet"))
    assert quotes.table.height == 18
    assert any("American quotes stand for the European ones" in said for said in quotes.assumptions)
