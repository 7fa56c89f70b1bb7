"""The figures as PNG files."""

from pathlib import Path
from typing import Any

import plotly.io as pio

from tenrec.core.errors import WorkError
from tenrec.reporting.catalogue import figures
from tenrec.reporting.data import ReportData


def write_images(data: ReportData, folder: Path, *, width: int = 1100, scale: float = 2.0) -> list[Path]:
    """Write every figure as `<name>.png` into `folder`.

    Args:
        data: the report's content.
        folder: made if it does not exist.
        width: in CSS pixels; the height is the figure's own.
        scale: device pixels for each of them.

    Raises:
        WorkError: Kaleido, or the Chrome it draws with, is missing.
    """
    try:
        import kaleido  # noqa: F401
    except ImportError as error:
        raise WorkError("PNG images need Kaleido, which is not installed; run `pip install kaleido`.") from error
    folder.mkdir(parents=True, exist_ok=True)
    named = figures(data)
    paths = [folder / f"{name}.png" for name in named]
    try:
        heights: Any = [figure.layout.height for figure in named.values()]  # type: ignore[attr-defined]
        pio.write_images(list(named.values()), [*paths], width=width, height=heights, scale=scale)
    except (RuntimeError, ValueError, OSError) as error:
        raise WorkError(
            "PNG images could not be drawn, for Kaleido found no working Chrome or Chromium; "
            "install one, or run `plotly_get_chrome`, or open the HTML report, which needs neither."
        ) from error
    return paths
