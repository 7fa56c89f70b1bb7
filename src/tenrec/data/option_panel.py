"""Option quotes of many dates, strikes and expiries, read from a file and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import cells, parsing
from tenrec.data.columns import FLAGS, OPTION_ALIASES, match_columns, missing_columns
from tenrec.data.refusals import raise_first, refuse_repeats, refuse_rows
from tenrec.data.source import Source, read_source

NEEDED = {"date": "the date", "expiry": "the expiry", "kind": "the kind (call or put)", "strike": "the strike"}
OPTIONAL = ("forward", "spot", "implied_vol", "multiplier")
NUMBERS = ("strike", "close", "bid", "ask", "volume", *OPTIONAL)
LAYOUT = ("time", "date", "expiry", "kind", *NUMBERS, "adjusted", "contract", "masked")
PERCENT_MEDIAN = 3.0
"""A median implied volatility above 300 % is a column in percent."""


@dataclass(frozen=True)
class OptionPanel:
    """Option quotes in one layout, whatever the file called its columns.

    Args:
        name: file name.
        table: one row a quote, sorted by time, expiry, strike and kind: `time` (Datetime, UTC where the file states an
            offset), `date`, `expiry` (Date), `kind` ("call" or "put"), `strike`, `close`, `bid`, `ask`, `forward`,
            `spot` (quote currency), `implied_vol` (annualised decimal), `volume`, `multiplier` (Float64, null where the
            file has none), `adjusted` (Boolean), `contract` (String), `masked` (String: why a row has no usable price,
            null where it has one).
        columns: role → column of the file.
        flagged: other things worth knowing → number of rows; these rows stay usable.
    """

    name: str
    table: pl.DataFrame
    columns: dict[str, str]
    flagged: dict[str, int]

    @property
    def masked(self) -> dict[str, int]:
        """Why rows are masked → number of rows."""
        return cells.count_reasons(self.table["masked"])

    @property
    def quotes(self) -> pl.DataFrame:
        """The rows with a usable price."""
        return self.table.filter(pl.col("masked").is_null())


def read_option_panel(
    path: str | Path, *, columns: Mapping[str, str] | None = None, implied_vol_percent: bool = False
) -> OptionPanel:
    """Read option quotes from Parquet or CSV.

    Required: date, expiry, kind, strike, and close or both bid and ask. Nothing is filled: a row with an empty close,
    with bid and ask both empty or zero, with one side only, or flagged by the data set itself is masked and keeps what
    it holds. Where bid and ask are there, a close may be empty or zero.

    Args:
        path: the file.
        columns: role → column, where the names differ from the usual ones (`tenrec.data.columns.OPTION_ALIASES`).
        implied_vol_percent: the file gives implied volatilities in percent.

    Raises:
        DataError: names the file, row and column of the first thing that cannot be used: an unreadable or non-finite
            number, a strike or price that is not positive, bid above ask, an expiry before its date, a duplicate key.
    """
    panel, refusals = parse_option_panel(read_source(path), columns, implied_vol_percent=implied_vol_percent)
    raise_first(refusals)
    if panel is None:
        raise DataError(f"{Path(path).name} is not an option panel.")
    return panel


def parse_option_panel(
    source: Source, given: Mapping[str, str] | None = None, *, implied_vol_percent: bool = False
) -> tuple[OptionPanel | None, list[str]]:
    """The panel of a source, and a sentence for each kind of trouble in it; no panel where columns are missing."""
    columns = match_columns(source, OPTION_ALIASES, given)
    absent = missing_columns(source, columns, NEEDED | _needed_prices(columns), "an option panel")
    if absent:
        return None, absent
    table, refusals = _parse(source, columns)
    mask, refused_flags = _mask(source, columns, table)
    table = table.with_columns(masked=mask)
    refusals += refused_flags + _refuse_keys(source, columns, table) + _refuse_prices(source, columns, table)
    refusals += _refuse_duplicates(source, columns, table) + _refuse_percent(
        source, columns, table, implied_vol_percent
    )
    refusals += [] if refusals else cells.refuse_all_masked(source, table["masked"])
    laid_out = _lay_out(table, percent=implied_vol_percent)
    return OptionPanel(source.name, laid_out, columns, _notes(columns, table)), refusals


def _needed_prices(columns: Mapping[str, str]) -> dict[str, str]:
    return {} if _quoted(columns) else {"close": "the close (or bid and ask)"}


def _quoted(columns: Mapping[str, str]) -> bool:
    return "bid" in columns and "ask" in columns


def _parse(source: Source, columns: Mapping[str, str]) -> tuple[pl.DataFrame, list[str]]:
    """The roles that the file has as typed columns, in the order of the file, and what could not be read."""
    readers = {"date": parsing.times, "expiry": parsing.times, "kind": parsing.kinds}
    readers |= dict.fromkeys(NUMBERS, parsing.numbers)
    parsed = {"index": pl.Series(range(source.table.height), dtype=pl.Int64)}
    refusals: list[str] = []
    for role in [role for role in readers if role in columns]:
        parsed[role], refused = readers[role](source, columns[role])
        refusals += refused
    if "adjusted" in columns:
        parsed["adjusted"] = parsing.presence(source, columns["adjusted"])
    if "contract" in columns:
        parsed["contract"] = source.table[columns["contract"]].cast(pl.String)
    table = pl.DataFrame(parsed).rename({"date": "time"})
    return table.with_columns(pl.col("expiry").dt.date(), date=pl.col("time").dt.date()), refusals


def _mask(source: Source, columns: Mapping[str, str], table: pl.DataFrame) -> tuple[pl.Series, list[str]]:
    """Why each row has no usable price (null where it has one): the data set's own flags first, then missing prices."""
    reasons: list[pl.Expr] = []
    refusals: list[str] = []
    marked = table
    for flag in [name for name in FLAGS if name in source.table.columns]:
        values, refused = parsing.flags(source, flag)
        marked = marked.with_columns(values.alias(f"flag {flag}"))
        reasons.append(pl.when(pl.col(f"flag {flag}")).then(pl.lit(flag)))
        refusals += refused
    if _quoted(columns):
        reasons.append(cells.quote_gap(pl.col("bid"), pl.col("ask")))
    else:
        reasons.append(pl.when(pl.col("close").is_null()).then(pl.lit("no close")))
    return marked.select(pl.coalesce(reasons).alias("masked")).to_series(), refusals


def _refuse_keys(source: Source, columns: Mapping[str, str], table: pl.DataFrame) -> list[str]:
    """Empty keys, strikes that are not positive, expiries before their date."""
    refusals: list[str] = []
    for role, said in NEEDED.items():
        refusals += cells.refuse_empty(source, columns[role], table["time" if role == "date" else role], said)
    refusals += cells.refuse_prices(source, columns["strike"], table["strike"])
    late = table["expiry"] < table["date"]
    return refusals + refuse_rows(source, late, columns["expiry"], f"is before the date in column {columns['date']}")


def _refuse_prices(source: Source, columns: Mapping[str, str], table: pl.DataFrame) -> list[str]:
    """Prices that cannot be, bid above ask, and impossible values of the optional columns."""
    refusals: list[str] = []
    quoted = _quoted(columns)
    for role in [role for role in ("close", "bid", "ask") if role in columns]:
        refusals += cells.refuse_prices(source, columns[role], table[role], zero=quoted or role != "close")
    if quoted:
        refusals += cells.refuse_crossed(source, columns["bid"], columns["ask"], table["bid"], table["ask"])
    for role in [role for role in (*OPTIONAL, "volume") if role in columns]:
        refusals += cells.refuse_negative(source, columns[role], table[role], role.replace("_", " "))
    return refusals


def _refuse_duplicates(source: Source, columns: Mapping[str, str], table: pl.DataFrame) -> list[str]:
    """Two rows of one contract at one time, among the rows that the data set does not flag itself."""
    roles = ["date", "expiry", "kind", "strike", *[role for role in ("multiplier", "contract") if role in columns]]
    parts = ["time" if role == "date" else role for role in roles]
    kept = table.filter(~pl.col("masked").is_in(FLAGS).fill_null(False)).select("index", *parts)
    return refuse_repeats(source, kept, [columns[role] for role in roles])


def _refuse_percent(source: Source, columns: Mapping[str, str], table: pl.DataFrame, percent: bool) -> list[str]:
    if percent or "implied_vol" not in columns:
        return []
    median = table["implied_vol"].filter((table["implied_vol"] > 0) & table["implied_vol"].is_finite()).median()
    if not isinstance(median, float) or median <= PERCENT_MEDIAN:
        return []
    return [
        f"{source.name} column {columns['implied_vol']}: a median of {median:.4g} looks like percent, where annualised "
        f"decimals (0.2 for 20 %) are needed; divide it by 100 or read it with implied_vol_percent=True."
    ]


def _notes(columns: Mapping[str, str], table: pl.DataFrame) -> dict[str, int]:
    """Rows with something missing that is not required, or worth a look."""
    notes = {
        f"no {role.replace('_', ' ')}": table.height - int((table[role].fill_nan(None) > 0).sum())
        for role in (*OPTIONAL, *(("close",) if _quoted(columns) else ()))
        if role in columns
    }
    if "adjusted" in columns:
        notes["adjusted contract"] = int(table["adjusted"].sum())
    return {note: rows for note, rows in notes.items() if rows}


def _lay_out(table: pl.DataFrame, *, percent: bool) -> pl.DataFrame:
    """All columns of the layout, sorted; an optional number that says nothing (zero, not a number) becomes null."""
    absent = [pl.lit(None, pl.Float64).alias(role) for role in NUMBERS if role not in table.columns]
    absent += [pl.lit(None, pl.String).alias("contract")] * ("contract" not in table.columns)
    absent += [pl.lit(False).alias("adjusted")] * ("adjusted" not in table.columns)
    known = [pl.when(pl.col(role).fill_nan(None) > 0).then(pl.col(role)).alias(role) for role in OPTIONAL]
    decimal = pl.col("implied_vol") / (100.0 if percent else 1.0)
    full = table.with_columns(absent).with_columns(known).with_columns(decimal)
    return full.sort("time", "expiry", "strike", "kind", maintain_order=True).select(LAYOUT)
