"""Option chains are understood without configuration, or refused in one sentence."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from tenrec.core.errors import DataError
from tenrec.data.chain import read_chain
from tenrec.data.chain_columns import PRESETS
from tenrec.pricing.chain_quotes import _with_signs, chain_quotes

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
HEAD = "date,stock price,strike,time to maturity,implied volatility,option price,type\n"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "chain.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plain_file_needs_no_configuration(tmp_path: Path):
    chain = read_chain(
        written(tmp_path, HEAD + "2024-01-02,100,95,0.5,0.2,8.1,call\n2024-01-02,100,105,0.5,0.2,4.1,C\n")
    )
    assert set(chain.columns) >= {"date", "spot", "strike", "maturity", "implied_vol", "price", "kind"}
    assert chain.quotes["sign"].to_list() == [1.0, 1.0]
    assert chain.quotes["maturity"].to_list() == [0.5, 0.5]


def test_rows_that_cannot_be_used_are_counted_by_reason(tmp_path: Path):
    rows = "2024-01-02,100,95,0.5,0.2,8.1,call\n" * 2
    rows += "2024-01-02,100,96,0.5,,NaN,call\n2024-01-02,100,97,-0.1,0.2,3,put\n2024-01-02,100,98,0.5,0.2,-1,put\n"
    chain = read_chain(written(tmp_path, HEAD + rows))
    expected = {"duplicate contract": 1, "no price": 1, "expiry before the quote date": 1, "negative price": 1}
    assert chain.refused == expected
    assert chain.quotes.height == 1


def test_text_in_a_number_is_refused_with_row_and_column(tmp_path: Path):
    path = written(tmp_path, HEAD + "2024-01-02,100,95,0.5,0.2,8.1,call\n2024-01-02,100,abc,0.5,0.2,8.1,call\n")
    with pytest.raises(DataError, match=r"chain.csv row 3, column strike: the cell is not a number"):
        read_chain(path)


def test_percent_and_days_are_settled_and_said(tmp_path: Path):
    chain = read_chain(written(tmp_path, HEAD + "2024-01-02,100,95,73,20,8.1,call\n2024-01-02,100,99,73,21,6.1,call\n"))
    assert np.allclose(chain.quotes["implied_vol"], [0.20, 0.21])
    assert np.allclose(chain.quotes["maturity"], 0.2)
    assert any("percent" in said for said in chain.assumptions)
    assert any("days" in said for said in chain.assumptions)


def test_an_empty_chain_and_one_without_strikes_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="holds no rows"):
        read_chain(written(tmp_path, HEAD))
    with pytest.raises(DataError, match="no column for the strike"):
        read_chain(written(tmp_path, "date,close\n2024-01-02,5\n"))


def test_one_sided_quotes_alone_are_refused(tmp_path: Path):
    text = "strike,maturity,type,bid,ask\n100,0.5,call,0,3\n100,0.5,put,4,4.2\n"
    chain = read_chain(written(tmp_path, text))
    assert chain.refused == {"no bid": 1}
    with pytest.raises(DataError, match="no usable quote among 1 rows"):
        read_chain(written(tmp_path, text.rsplit("\n", 2)[0] + "\n"))


def test_mixed_currencies_are_refused(tmp_path: Path):
    text = "strike,maturity,type,price,currency\n100,0.5,call,3,USD\n110,0.5,call,2,EUR\n"
    with pytest.raises(DataError, match=r"row 3, column currency: quotes are in EUR, USD"):
        read_chain(written(tmp_path, text))


def test_calls_and_puts_side_by_side_become_rows(tmp_path: Path):
    text = "[QUOTE_DATE],[UNDERLYING_LAST],[EXPIRE_DATE],[STRIKE],[C_BID],[C_ASK],[P_BID],[P_ASK]\n"
    chain = read_chain(written(tmp_path, text + "2023-01-03,380,2023-03-17,380,15,15.4,12,12.2\n"))
    assert chain.preset == "optionsdx"
    assert sorted(chain.quotes.select("sign", "price").rows()) == [(-1.0, 12.1), (1.0, 15.2)]
    assert chain.quotes["style"].unique().to_list() == ["american"]


def test_a_folder_of_days_and_a_day_of_it(tmp_path: Path):
    for day in ("2024-01-02", "2024-01-03"):
        (tmp_path / f"{day}.csv").write_text(HEAD + f"{day},100,95,0.5,0.2,8.1,call\n", encoding="utf-8")
    assert str(read_chain(tmp_path).quotes["time"][0].date()) == "2024-01-03"
    assert str(read_chain(tmp_path, date="2024-01-02").quotes["time"][0].date()) == "2024-01-02"
    with pytest.raises(DataError, match="no quotes of 2024-01-05; the nearest"):
        read_chain(tmp_path, date="2024-01-05")


REAL = {
    "us_index_chains_2026/SPX.parquet": ("cboe", "european"),
    "us_index_chains_2026/SPY.parquet": ("cboe", "american"),
    "crypto_options_2026/deribit.parquet": ("deribit", "european"),
    "banknifty_options/chain.parquet": ("nse", "european"),
    "spy_options_2021/options.parquet": ("spy_2021", "american"),
    "sse50etf_options/options.parquet": ("shanghai", "european"),
}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the recorded data of ../shared/data are absent")
@pytest.mark.parametrize("name", REAL)
def test_recorded_chains_are_known_by_their_layout(name: str):
    chain = read_chain(SHARED / name)
    assert (chain.preset, chain.quotes["style"][0]) == REAL[name]
    assert 0.02 < float(np.median(chain.quotes["implied_vol"].drop_nulls())) < 2.0
    assert chain.quotes.filter(pl.col("maturity") <= 0).is_empty()
    assert chain.preset in PRESETS


@pytest.mark.parametrize("puts_first", [False, True])
def test_without_a_type_two_prices_at_one_strike_are_a_call_and_a_put(tmp_path: Path, puts_first: bool):
    """Every type is that which Black's formula (by SciPy's normal distribution) was given, in whatever order."""
    rows, given = [], {}
    for strike in (80.0, 90.0, 97.0, 99.0, 101.0, 104.0, 110.0, 125.0):
        deviation = 0.2 * np.sqrt(0.5)
        upper = np.log(100.0 / strike) / deviation + 0.5 * deviation
        for sign in (-1.0, 1.0) if puts_first else (1.0, -1.0):
            value = sign * (100.0 * norm.cdf(sign * upper) - strike * norm.cdf(sign * (upper - deviation)))
            rows.append(f"2024-01-02,100,{strike},0.5,{value:.8f}")
            given[strike, f"{value:.8f}"] = sign
    text = "date,stock price,strike,time to maturity,option price\n" + "\n".join([*rows, rows[0]]) + "\n"
    chain = read_chain(written(tmp_path, text))
    assert chain.refused == {"duplicate contract": 1}
    found = chain_quotes(chain).expiries
    np.testing.assert_allclose(found["forward"][0], 100.0, rtol=1e-7)
    assert found["pairs"][0] == 8
    table = _with_signs(chain, [])
    signs = {(row["strike"], f"{row['price']:.8f}"): row["sign"] for row in table.to_dicts()}
    assert signs == given
