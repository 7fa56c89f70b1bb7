"""Which listed contracts are sold, on which day, and which are left out and why."""

from dataclasses import dataclass

import polars as pl

from tenrec.core.errors import ConfigError

CONTRACT_KEY = ["expiry", "cp", "strike_raw", "adj_event"]
"""A listed contract; its strike in force changes at an ex-dividend date, the final one (`strike_raw`) does not."""


@dataclass(frozen=True)
class SelectionRule:
    """A contract is sold at its first close inside the window of days to expiry and moneyness.

    Args:
        min_days, max_days: calendar days to expiry at the sale, both included.
        max_log_moneyness: largest |log(strike / forward)| at the sale.
        min_quotes: closes needed from the sale to the expiry.
    """

    min_days: int = 20
    max_days: int = 45
    max_log_moneyness: float = 0.10
    min_quotes: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.min_days <= self.max_days:
            raise ConfigError(
                f"days to expiry from {self.min_days} to {self.max_days}; 1 ≤ min_days ≤ max_days is needed."
            )
        if not self.max_log_moneyness > 0:
            raise ConfigError(f"max_log_moneyness is {self.max_log_moneyness}; a positive number is needed.")


def select_contracts(
    options: pl.DataFrame, quotes: pl.DataFrame, forwards: pl.DataFrame, rule: SelectionRule
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Every date of every contract that is sold, and the number of contracts left out by reason.

    Args:
        options: daily closes, see `option_panel`.
        quotes: the usable ones among them, as `priced_quotes` gives them.
        forwards: trade_date, expiry, forward, source, as `complete_forwards` gives them.
        rule: the window.

    Returns:
        dates: contract, trade_date, expiry, cp, strike, multiplier, entry, close, implied_volatility, forward, source;
            all trading dates from the sale to the expiry, close and implied_volatility null where there is no quote;
            sorted by entry, contract and date.
        excluded: the first reason that applies to each contract which had a first close in the window.
    """
    contracts = _candidates(options, forwards, rule)
    contracts = contracts.with_columns(_reason(rule, last=options["trade_date"].max()).alias("reason"))
    dates = _all_dates(contracts.filter(pl.col("reason").is_null()), options, quotes, forwards)
    at_sale = pl.col("implied_volatility").filter(pl.col("trade_date") == pl.col("entry"))
    late = (
        pl.when(pl.col("forward").has_nulls())
        .then(pl.lit("no forward on some date"))
        .when(at_sale.has_nulls())
        .then(pl.lit("no implied volatility at the sale"))
    )
    dates = dates.with_columns(late.over("contract").alias("reason"))
    left_out = pl.concat(
        [contracts.select("contract", "reason"), dates.select("contract", "reason").unique()], how="vertical"
    )
    counts = left_out["reason"].drop_nulls().value_counts().sort("count", "reason", descending=[True, False])
    kept = dates.filter(pl.col("reason").is_null()).drop("reason")
    return kept.sort("entry", "contract", "trade_date"), dict(counts.iter_rows())


def _candidates(options: pl.DataFrame, forwards: pl.DataFrame, rule: SelectionRule) -> pl.DataFrame:
    """Contracts with a close inside the window: the key, contract, entry, strike, multiplier, quotes, duplicated."""
    quoted = options.filter(pl.col("close") > 0).drop("forward", strict=False)
    quoted = quoted.join(forwards.select("trade_date", "expiry", "forward"), on=["trade_date", "expiry"])
    days = (pl.col("expiry") - pl.col("trade_date")).dt.total_days()
    moneyness = (pl.col("strike") / pl.col("forward")).log().abs()
    window = days.is_between(rule.min_days, rule.max_days) & (moneyness <= rule.max_log_moneyness)
    entries = quoted.filter(window).group_by(CONTRACT_KEY).agg(entry=pl.col("trade_date").min())
    held = quoted.join(entries, on=CONTRACT_KEY, nulls_equal=True).filter(pl.col("trade_date") >= pl.col("entry"))
    at_sale = pl.col("trade_date") == pl.col("entry")
    contracts = held.group_by(CONTRACT_KEY).agg(
        pl.col("entry").first(),
        strike=pl.col("strike").filter(at_sale).first(),
        multiplier=pl.col("multiplier").filter(at_sale).first(),
        quotes=pl.col("trade_date").n_unique(),
        duplicated=pl.col("dup_key").any(),
    )
    return contracts.with_columns(contract_name().alias("contract"))


def contract_name() -> pl.Expr:
    """Readable identifier of a contract: kind, expiry and strike in force, such as C-2020-03-25-2.95."""
    strike = pl.col("strike").round(4).cast(pl.String)
    return pl.concat_str([pl.col("cp"), pl.col("expiry").cast(pl.String), strike], separator="-")


def _reason(rule: SelectionRule, *, last: object) -> pl.Expr:
    """First reason to leave a contract out, null where there is none."""
    # A contract that was adjusted before its sale keeps an odd strike and multiplier that nobody quotes seriously.
    adjusted = pl.col("adj_event").is_not_null()
    return (
        pl.when("duplicated")
        .then(pl.lit("ambiguous key (two contracts with the same strike)"))
        .when(adjusted)
        .then(pl.lit("listed across a dividend adjustment"))
        .when(pl.col("expiry") > pl.lit(last))
        .then(pl.lit("not settled inside the data"))
        .when(pl.col("quotes") < rule.min_quotes)
        .then(pl.lit(f"fewer than {rule.min_quotes} quotes"))
        .otherwise(pl.lit(None, dtype=pl.String))
    )


def _all_dates(
    contracts: pl.DataFrame, options: pl.DataFrame, quotes: pl.DataFrame, forwards: pl.DataFrame
) -> pl.DataFrame:
    """One row for every trading date of each contract from its sale to its expiry, quoted or not."""
    calendar = options.select("trade_date").unique()
    listed = contracts.select(*CONTRACT_KEY, "entry", "multiplier", "strike", "contract")
    dates = listed.join_where(
        calendar, pl.col("trade_date") >= pl.col("entry"), pl.col("trade_date") <= pl.col("expiry")
    )
    quoted = quotes.select("trade_date", *CONTRACT_KEY, "close", "implied_volatility")
    dates = dates.join(quoted, on=["trade_date", *CONTRACT_KEY], how="left", nulls_equal=True)
    return dates.join(forwards, on=["trade_date", "expiry"], how="left").drop("strike_raw", "adj_event")
