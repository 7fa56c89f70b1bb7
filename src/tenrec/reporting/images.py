"""The figures as PNG files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io as pio

from tenrec.core.errors import WorkError
from tenrec.reporting.catalogue import figures
from tenrec.reporting.data import ReportData


def write_images(data: ReportData, folder: Path, *, width: int = 1100, scale: float = 2.0) -> list[Path]:
    """Write every figure of a report as `<name>.png` into `folder`; see `draw`."""
    return draw({folder / f"{name}.png": figure for name, figure in figures(data).items()}, width=width, scale=scale)


def draw(named: Mapping[Path, go.Figure], *, width: int = 1100, scale: float = 2.0) -> list[Path]:
    """Write figures as PNG files; missing folders are made.

    Args:
        named: figure by file.
        width: in CSS pixels; the height is the figure's own.
        scale: device pixels for each of them.

    Raises:
        WorkError: Kaleido, or the Chrome it draws with, is missing.
    """
    try:
        import kaleido  # noqa: F401
    except ImportError as error:
        raise WorkError("PNG images need Kaleido, which is not installed; run `pip install kaleido`.") from error
    paths = list(named)
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        heights: Any = [figure.layout.height for figure in named.values()]  # type: ignore[attr-defined]
        pio.write_images(list(named.values()), [*paths], width=width, height=heights, scale=scale)
    except (RuntimeError, ValueError, OSError) as error:
        raise WorkError(
            "PNG images could not be drawn, for Kaleido found no working Chrome or Chromium; "
            "install one, or run `plotly_get_chrome`, or open the HTML report, which needs neither."
        ) from error
    return paths
