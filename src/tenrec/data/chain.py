"""Option chains: quotes of one or many days, from whatever table holds them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from tenrec.core.errors import DataError
from tenrec.data import chain_parsing as parse
from tenrec.data.chain_columns import PRESETS, find_preset, match_roles, sides
from tenrec.data.columns import listed
from tenrec.data.source import TABLE_SUFFIXES

LAYOUT = (
    "row", "time", "expiry", "maturity", "strike", "sign", "bid", "ask", "price", "implied_vol", "spot", "forward",
    "discount", "symbol", "root", "style", "refused",
)  # fmt: skip
INDEX_ROOTS = ("SPX", "SPXW", "NDX", "NDXP", "RUT", "RUTW", "VIX", "VIXW", "XSP", "DJX", "OEX", "XEO", "MRUT")
EVERY = "every day"
ROWS_OF_A_SNAPSHOT = 20
"""Fewer rows a time on average are quotes with times of their own, not recordings of a chain."""


@dataclass(frozen=True)
class OptionChain:
    """Quotes of one day and one underlying in one layout.

    Args:
        name: file name. table: one row a quote with the columns of `LAYOUT`: `row` (its number in the file), `time`,
            `expiry`, `maturity` (years), `strike`, `sign` (+1 call, −1 put), `bid`, `ask`, `price` (the middle where
            both sides are quoted), `implied_vol` (decimal), `spot`, `forward`, `discount`, `root` (of an OCC symbol),
            `style`, and `refused` (why the row is not used, null where it is).
        columns: role → column of the file. preset: the layout's name, or None.
        assumptions: what was not written in the file and is taken to hold, a sentence each.
        days: quoted days of the file → number of rows.
    """

    name: str
    table: pl.DataFrame
    columns: dict[str, str]
    preset: str | None
    assumptions: tuple[str, ...]
    days: dict[str, int]

    @property
    def refused(self) -> dict[str, int]:
        """Why rows are not used → number of rows."""
        counts = self.table["refused"].drop_nulls().value_counts(sort=True)
        return dict(zip(counts["refused"].to_list(), counts["count"].to_list(), strict=True))

    @property
    def quotes(self) -> pl.DataFrame:
        """The rows that are used."""
        return self.table.filter(pl.col("refused").is_null())


def read_chain(
    path: str | Path,
    *,
    columns: Mapping[str, str] | None = None,
    date: str | None = None,
    underlying: str | None = None,
    style: str | None = None,
) -> OptionChain:
    """Read one day of an option chain from CSV, Parquet, or a folder of such files.

    Needed: strike, a price (or bid and ask, or an implied volatility), and a maturity in years, in days, or an expiry
    and a date. Everything else is found by its name or inferred, and what is inferred is said. Files of any length are
    streamed: only the rows of the day are held.

    Args:
        path: the file or folder. columns: role → column, where names differ from all usual ones.
        date: the day (2021-12-31), by default the last. underlying: where the file holds several.
        style: "european" or "american", where the file does not say.

    Raises:
        DataError: names file, row and column of what cannot be used.
    """
    path = Path(path)
    return _read(path.name, [_scan(file) for file in chain_files(path)], columns, date, underlying, style)


def read_chain_days(
    chain: str | Path | pl.DataFrame,
    *,
    name: str = "",
    columns: Mapping[str, str] | None = None,
    underlying: str | None = None,
    style: str | None = None,
) -> OptionChain:
    """Every day of a chain in one table, told apart by the date of `time`; what `read_chain` says of the rest holds.

    Args:
        chain: file, folder or table of quotes. name: what messages call a table.
    """
    if isinstance(chain, pl.DataFrame):
        parts = [_numbered(chain.lazy(), name, 1)]
    else:
        parts, name = [_scan(file) for file in chain_files(Path(chain))], Path(chain).name
    return _read(name, parts, columns, EVERY, underlying, style)


def _read(
    name: str,
    parts: list[pl.LazyFrame],
    columns: Mapping[str, str] | None,
    date: str | None,
    underlying: str | None,
    style: str | None,
) -> OptionChain:
    opened = _opened(name, parts, columns)
    frame, roles, layout = opened.frame, opened.roles, PRESETS.get(opened.preset or "")
    says: list[str] = []
    frame, days = _one_day(name, frame, roles, date, says)
    frame, table = _one_underlying(name, frame, roles, underlying, says)
    table = parse.checked(name, table, roles, layout, says)
    table = table.with_columns(style=exercise(table, roles, layout, style, says))
    if table.filter(pl.col("refused").is_null()).is_empty():
        raise DataError(nothing_left(name, table))
    return OptionChain(name, table.select(LAYOUT), roles, opened.preset, tuple(says), days)


@dataclass(frozen=True)
class OpenedChain:
    """All rows of a chain's files, not read yet: a column a role, numbers as Float64, calls and puts in rows."""

    frame: pl.LazyFrame
    columns: list[str]
    roles: dict[str, str]
    preset: str | None


def open_chain(path: Path, columns: Mapping[str, str] | None = None) -> OpenedChain:
    """Find out which column plays which role; the files of a folder need the columns of the first.

    Raises:
        DataError: no table, or one without what a chain needs.
    """
    return _opened(path.name, [_scan(file) for file in chain_files(path)], columns)


def _opened(name: str, parts: list[pl.LazyFrame], columns: Mapping[str, str] | None) -> OpenedChain:
    names = _names(parts[0])
    preset = find_preset(names)
    roles = match_roles(name, names, dict(columns or {}), preset)
    two_sided = {} if "kind" in roles else sides(names)
    _require(name, names, roles, bool(two_sided))
    needed = set(roles.values()) | {column for own in two_sided.values() for column in own.values()}
    for part in parts[1:]:
        if missing := sorted(needed - set(_names(part))):
            first, file = (collect(name, one.select(parse.FILE).head(1)).to_series() for one in (parts[0], part))
            called = file[0] if file.len() else "A file"
            raise DataError(
                f"{called} lacks the column {missing[0]} of {first[0] if first.len() else 'the first'}; a folder of "
                "chains needs the same columns in every file."
            )
    layout = PRESETS.get(preset or "")
    frame = pl.concat([parse.normalise(part, roles, two_sided, layout) for part in parts], how="vertical_relaxed")
    return OpenedChain(frame, names, roles, preset)


def _names(frame: pl.LazyFrame) -> list[str]:
    return [name for name in frame.collect_schema().names() if name not in (parse.ROW, parse.FILE)]


def chain_files(path: Path) -> list[Path]:
    """The tables of a path: itself, or what lies in the folder, by name."""
    if not path.exists():
        raise DataError(f"{path} does not exist; check the path.")
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.suffix in TABLE_SUFFIXES)
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise DataError(f"{path} holds no .csv or .parquet file; give a chain or a folder of chains.")
    for file in files:
        if file.suffix.lower() not in TABLE_SUFFIXES:
            raise DataError(f"{file.name} is not a table; a .parquet or .csv file is needed.")
        if file.stat().st_size == 0:
            raise DataError(f"{file.name} is empty; export it again.")
    return files


def _scan(file: Path) -> pl.LazyFrame:
    """The file's rows, numbered as a person would; CSV columns are text, so that bad text keeps its place."""
    csv = file.suffix.lower() == ".csv"
    try:
        frame = pl.scan_csv(file, infer_schema=False) if csv else pl.scan_parquet(file)
        names = frame.collect_schema().names()
    except (pl.exceptions.PolarsError, OSError) as error:
        said = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(f"{file.name} cannot be read as a table ({said}); export it again.") from error
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise DataError(f"{file.name} is not separated by commas (its header is {names[0]!r}); export it so.")
    return _numbered(frame, file.name, 2 if csv else 1)


def _numbered(frame: pl.LazyFrame, name: str, offset: int) -> pl.LazyFrame:
    return frame.with_row_index(parse.ROW, offset=offset).with_columns(pl.lit(name).alias(parse.FILE))


def _require(file: str, names: list[str], roles: Mapping[str, str], two_sided: bool) -> None:
    dated = "expiry" in roles and "date" in roles
    missing = [
        said
        for said, there in {
            "the strike": "strike" in roles,
            "the price (or bid and ask)": two_sided or "price" in roles or {"bid", "ask"} <= set(roles)
            or "implied_vol" in roles,
            "the time to maturity (years or days, or date and expiry)": dated or "maturity" in roles
            or "days" in roles or "contract" in roles,
        }.items()
        if not there
    ]  # fmt: skip
    if missing:
        raise DataError(
            f"{file} has no column for {' and '.join(missing)}, which an option chain needs; its columns are "
            f"{listed(names, 24)}; say which plays which role with --columns role=name."
        )


def _one_day(
    file: str, frame: pl.LazyFrame, roles: Mapping[str, str], date: str | None, says: list[str]
) -> tuple[pl.LazyFrame, dict[str, int]]:
    day = pl.col("time").dt.date().alias("day")
    counts = collect(file, frame.group_by(day).agg(pl.len(), pl.col("alive").sum()).sort("day"))
    if counts["len"].sum() == 0:
        raise DataError(f"{file} holds no rows; a chain with at least one quote below its header is needed.")
    known = counts.drop_nulls("day")
    days = {str(day): rows for day, rows, _ in known.iter_rows()}
    if date == EVERY:
        return frame, days
    if known.is_empty():
        if date is not None:
            raise DataError(f"{file} has no dates, so --date {date} picks nothing; leave it out.")
        return frame, days
    try:
        last = (known.filter(pl.col("alive") > 0)["day"].to_list() or known["day"].to_list())[-1]
        wanted = last if date is None else dt.date.fromisoformat(date)
    except ValueError:
        raise DataError(f"--date is {date!r}; a day such as {known['day'][-1]} is needed.") from None
    if str(wanted) not in days:
        near = min(known["day"].to_list(), key=lambda day: abs(day - wanted))
        raise DataError(f"{file} has no quotes of {wanted}; the nearest of its {len(days):,} days is {near}.")
    if date is None and len(days) > 1:
        which = "last" if wanted == known["day"][-1] else "last with living options"
        says.append(f"The {which} of {len(days):,} days is used, {wanted}; --date picks another.")
    # A date that cannot be read is of no day; such rows stay, so that they are refused by row and column.
    unread = pl.col("unreadable") == "date"
    undated = 0
    if counts.height > known.height:
        bare = frame.filter(pl.col("time").is_null() & unread.ne_missing(True))
        undated = int(collect(file, bare.select(pl.len())).item())
    if undated:
        says.append(f"{undated:,} rows without a date are not used.")
    return frame.filter((pl.col("time").dt.date() == wanted) | unread), days


def _one_underlying(
    file: str, frame: pl.LazyFrame, roles: Mapping[str, str], wanted: str | None, says: list[str]
) -> tuple[pl.LazyFrame, pl.DataFrame]:
    table = collect(file, frame)
    names = table["symbol"].drop_nulls().value_counts(sort=True)["symbol"].to_list()
    if wanted is not None and wanted not in names:
        raise DataError(f"{file} has no underlying {wanted!r}; it has {listed(names) or 'no column that names one'}.")
    if len(names) > 1 or wanted is not None:
        chosen = wanted or names[0]
        if wanted is None:
            says.append(f"The file holds {listed(names)}; {chosen} is used, --underlying picks another.")
        table = table.filter(pl.col("symbol") == chosen)
    currencies = table["currency"].drop_nulls().unique().sort().to_list()
    if len(currencies) > 1:
        second = table.filter(pl.col("currency") != table["currency"].drop_nulls()[0])["row"][0]
        raise DataError(
            f"{file} row {second}, column {roles['currency']}: quotes are in {listed(currencies)}; a chain in one "
            "currency is needed, so split the file."
        )
    return frame, _one_snapshot(table, says)


def _one_snapshot(table: pl.DataFrame, says: list[str]) -> pl.DataFrame:
    """Of a day that was recorded several times, the last recording that holds most of the chain."""
    day = pl.col("time").dt.date()
    counts = table.drop_nulls("time").group_by("time").len().sort("time").with_columns(day=day)
    full = counts.filter(pl.col("len") >= 0.9 * pl.col("len").max().over("day"))
    last = full.group_by("day", maintain_order=True).agg(kept=pl.col("time").last())
    often = counts.group_by("day").agg(times=pl.len(), rows=pl.col("len").sum())
    often = often.filter(pl.col("times") > 1, pl.col("rows") >= ROWS_OF_A_SNAPSHOT * pl.col("times")).join(
        last, on="day"
    )
    if often.is_empty():
        return table
    if counts["day"].n_unique() == 1:
        says.append(f"The day was recorded {often['times'][0]} times; {often['kept'][0]} is used.")
    else:
        says.append(f"{often.height:,} days were recorded several times; the last full recording of each is used.")
    kept = table.with_columns(day=day).join(often.select("day", "kept"), on="day", how="left", maintain_order="left")
    return kept.filter(pl.col("kept").is_null() | (pl.col("time") == pl.col("kept"))).drop("day", "kept")


def exercise(
    table: pl.DataFrame, roles: Mapping[str, str], layout: object, given: str | None, says: list[str]
) -> pl.Expr:
    """European or American by row, as given, told by the file, or assumed and said."""
    if given is not None:
        return pl.lit(given)
    if "style" in roles:
        american = pl.col("style").str.to_lowercase().str.starts_with("a")
        return pl.when(american).then(pl.lit("american")).otherwise(pl.lit("european"))
    roots = set(table["root"].drop_nulls().unique().to_list())
    named = roots - set(INDEX_ROOTS) - {""}
    preset_style = getattr(layout, "style", None)
    if preset_style == "european" and not (roots and named and roles.get("contract") == "option"):
        return pl.lit("european")
    if preset_style == "american" or (preset_style is not None and named):
        if roots and not named:
            return pl.lit("european")
        says.append(f"Exercise is taken as American ({listed(sorted(named)) or 'by the layout'}); --style changes it.")
        return pl.lit("american")
    says.append("Exercise is taken as European; --style american changes it.")
    return pl.lit("european")


def nothing_left(file: str, table: pl.DataFrame) -> str:
    """The sentence for a chain of which every row was refused."""
    counts = table["refused"].value_counts(sort=True)
    reasons = ", ".join(f"{reason} in {rows:,}" for reason, rows in counts.iter_rows())
    return f"{file} has no usable quote among {table.height:,} rows ({reasons}); at least one is needed."


def collect(file: str, frame: pl.LazyFrame) -> pl.DataFrame:
    """The rows, streamed; DataError where the file cannot be read."""
    try:
        return frame.collect(engine="streaming")
    except pl.exceptions.PolarsError as error:
        said = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(f"{file} cannot be read ({said}); export it again.") from error
