"""What `tenrec data check` found in a file."""

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from tenrec.data.chain_summary import ChainSummary
from tenrec.data.gaps import Gaps, duration


@dataclass(frozen=True)
class DataReport:
    """What a file is understood as, what it holds, and what in it cannot be used.

    Args:
        file: file name.
        kind: "option panel", "option chain", "price series", "price paths", "arrays" or "unknown".
        rows: number of records (paths, for price paths).
        columns: role → column of the file.
        first, last: range of the times.
        gaps: spacing and holes of the times.
        contents: other numbers that describe it (contracts, expiries, shapes …).
        masked: why rows have no usable price → number of rows; they are kept and never filled.
        flagged: other things worth knowing → number of rows; these rows stay usable.
        refusals: one sentence for each kind of trouble; empty where the file can be used as it is.
        chain: how `tenrec price` reads it, where it can.
        notes: why an option chain is no panel for `tenrec hedge` and `tenrec backtest`.
    """

    file: str
    kind: str
    rows: int
    columns: dict[str, str] = field(default_factory=dict)
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    gaps: Gaps = field(default_factory=Gaps)
    contents: dict[str, Any] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    flagged: dict[str, int] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    chain: ChainSummary | None = None
    notes: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the loader takes the file as it is."""
        return not self.refusals

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; times in ISO form, spacing in seconds."""
        values = dataclasses.asdict(self) | {"usable": self.usable, "refusals": list(self.refusals)}
        values["notes"] = list(self.notes)
        values["gaps"] = {name: _plain(value) for name, value in values["gaps"].items()}
        return {name: _plain(value) for name, value in values.items()}

    def lines(self) -> list[str]:
        """The report for a terminal, one fact a line."""
        said = [f"{self.file}: {self.kind if self.kind != 'unknown' else 'not understood'}, {_rows(self.rows)}"]
        if self.columns:
            said.append("columns: " + ", ".join(_pair(role, name) for role, name in self.columns.items()))
        if self.first is not None and self.last is not None:
            said.append(f"from {_time(self.first)} to {_time(self.last)}")
        said += [
            f"{name}: {value:,}" if isinstance(value, int) else f"{name}: {value}"
            for name, value in self.contents.items()
        ]
        said += self._gap_lines()
        said += [f"masked, {reason}: {_rows(rows)}" for reason, rows in self.masked.items()]
        said += [f"flagged, {reason}: {_rows(rows)}" for reason, rows in self.flagged.items()]
        if self.chain is not None:
            lines = self.chain.lines()
            said += ["as `tenrec price` reads it:"] * (self.kind == "option panel") + lines
        said += [f"refused: {sentence}" for sentence in self.refusals]
        said += [f"as a panel for `tenrec hedge` or `tenrec backtest`: {sentence}" for sentence in self.notes]
        by = " by `tenrec price`" if self.kind == "option chain" else ""
        return [*said, f"usable as it is{by}" if self.usable else "not usable as it is"]

    def __str__(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines())

    def _gap_lines(self) -> list[str]:
        gaps = self.gaps
        if gaps.longest_from is None or gaps.longest_to is None:
            return []
        longest = f"longest gap {duration(gaps.longest)}, from {_time(gaps.longest_from)} to {_time(gaps.longest_to)}"
        return [f"spacing: {duration(gaps.spacing)}; missing {gaps.missing_unit}: {gaps.missing:,}; {longest}"]


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _pair(role: str, column: str) -> str:
    return role if role == column else f"{role} = {column}"


def _time(value: dt.datetime) -> str:
    return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ", timespec="seconds")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, dt.datetime) else value
