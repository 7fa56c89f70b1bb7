"""A plain table of numbers for pages on volatility."""

from collections.abc import Iterable, Sequence

from tenrec.reporting.text import escape


def number_table(columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], note: str = "") -> str:
    """A card with one row each; the first cell heads its row.

    Args:
        columns: heading and unit of each. rows: cells as text. note: below the table.
    """
    head = "".join(f'<th scope="col">{escape(name)}<span>{escape(unit)}</span></th>' for name, unit in columns)
    body = ""
    for first, *rest in rows:
        cells = "".join(f"<td><b>{escape(cell)}</b></td>" for cell in rest)
        body += f'<tr><th scope="row"><div><span>{escape(first)}</span></div></th>{cells}</tr>'
    table = f'<table class="comparison"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<div class="card"><div class="scroll">{table}</div><p class="note">{escape(note)}</p></div>'


def glossary(terms: dict[str, str]) -> str:
    """Terms and what they mean, as a card."""
    items = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in terms.items())
    return f'<dl class="card glossary">{items}</dl>'
