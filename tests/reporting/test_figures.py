import dataclasses
import sys
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio
import polars as pl
import pytest

from tenrec.core.errors import WorkError
from tenrec.reporting import figures, write_images
from tenrec.reporting.plots import traces
from tenrec.reporting.style import policy_styles
from tests.reporting.content import LEARNED, REFERENCE, chosen, content

SIMULATED = {
    "ratios",
    "cost",
    "pnl_distribution",
    "pnl_tail",
    "explained",
    "hedge_ratio",
    "ladder",
    "replay",
    "training",
}


def test_names():
    assert set(figures(content(4))) == SIMULATED
    assert set(figures(content(4, recorded=True))) == SIMULATED | {"expiries"}


@pytest.mark.parametrize("count", [2, 8])
def test_every_figure_has_a_title_and_axis_titles(count: int):
    for name, figure in figures(content(count, recorded=True)).items():
        assert isinstance(figure, go.Figure)
        assert figure.layout.title.text
        titled = [axis for axis in figure.select_xaxes() if axis.title.text]
        assert titled, name


def test_one_colour_for_a_policy_everywhere():
    styles = policy_styles(content(8))
    colors = [style.color for style in styles.values()]
    assert len(set(colors)) == len(colors)
    by_group: dict[str, set[str]] = {}
    for name, figure in figures(content(8)).items():
        for trace in traces(figure):
            if name != "training" and trace.legendgroup:
                color = trace.line.color if trace.type == "scatter" and trace.line.color else trace.marker.color
                by_group.setdefault(trace.legendgroup, set()).add(color)
    assert by_group == {name: {style.color} for name, style in styles.items()}


def test_more_policies_than_colours_differ_by_dash():
    data = content(8)
    for i in range(9):
        data.metrics["policies"][f"tuned_{i}"] = dict(data.metrics["policies"]["leland"], label=f"Tuned {i}")
    looks = [(style.color, style.dash) for style in policy_styles(data).values()]
    assert len(set(looks)) == len(looks) == 17


def test_the_ladder_shows_every_rung():
    data = content(5)
    maps = traces(figures(data)["ladder"])
    assert len(maps) == 2
    assert data.ladder is not None
    shown = [value for each in maps for row in each.z for value in row]
    np.testing.assert_allclose(sorted(shown), data.ladder["pnl_bp"].sort())


def test_the_explained_pnl_shows_the_policies_that_matter_first():
    data = content(8)
    bars = traces(figures(data)["explained"])
    assert [bar.legendgroup for bar in bars[:2]] == [LEARNED, REFERENCE]
    assert len(bars) == 2 * 4
    own = data.explained.filter(pl.col("policy") == LEARNED)
    assert list(bars[0].x) == own["mean_bp"].to_list()
    assert list(bars[4].x) == own["std_bp"].to_list()
    assert list(bars[0].y)[:2] == ["Sale above mark", "Delta"]


def test_crowded_figures_start_with_learned_and_reference():
    figure = figures(content(8))["hedge_ratio"]
    shown = {trace.legendgroup for trace in traces(figure) if trace.visible is True}
    assert shown == {LEARNED, REFERENCE}
    assert {trace.legendgroup for trace in traces(figure)} == set(chosen(8))


def test_all_lines_are_shown_where_neither_learned_nor_reference_is_there():
    data = content(5)
    curves = tuple(
        dataclasses.replace(curve, ratio={"leland": curve.ratio["leland"]}, band={}) for curve in data.hedge_curves
    )
    figure = figures(dataclasses.replace(data, hedge_curves=curves))["hedge_ratio"]
    assert [trace.visible for trace in traces(figure)] == [True] * 3


def test_band_edges_enclose_the_reference():
    data = content(2)
    figure = figures(data)["hedge_ratio"]
    lower, upper = (trace for trace in traces(figure) if trace.legendgroup == LEARNED and trace.xaxis == "x")
    curve = data.hedge_curves[0]
    np.testing.assert_array_equal(lower.y, curve.band[LEARNED][0])
    np.testing.assert_array_equal(upper.y, curve.band[LEARNED][1])
    assert upper.fill == "tonexty"


def test_samples_are_reduced():
    data = content(4, paths=100_000)
    for name in ("pnl_distribution", "pnl_tail"):
        assert all(len(trace.x) <= 400 for trace in traces(figures(data)[name]))


def test_a_policy_without_any_risk_is_drawn():
    data = content(3)
    pnl = {**data.pnl_bp, LEARNED: np.full_like(data.pnl_bp[LEARNED], -7.0)}
    figure = figures(dataclasses.replace(data, pnl_bp=pnl))["pnl_distribution"]
    for trace in traces(figure):
        assert np.isfinite(np.asarray(trace.y, dtype=float)).all()


def test_all_policies_without_any_risk():
    pnl = {name: np.zeros(10) for name in chosen(2)}
    assert {"pnl_distribution", "pnl_tail"} <= set(figures(content(2, pnl_bp=pnl)))


def test_dates_and_steps_on_the_replay_axis():
    for recorded, title in ((False, "Step"), (True, "Date")):
        figure = figures(content(2, recorded=recorded))["replay"]
        assert title in {axis.title.text for axis in figure.select_xaxes()}


def test_history_with_gaps_and_without_stage():
    history = pl.DataFrame(
        {"update": [0, 1, 2], "seed": [0, 0, 0], "loss_bp": [3.0, None, 2.0], "score_bp": [3.0, None, 2.5]}
    )
    figure = figures(content(2, history=history))["training"]
    lengths = {trace.legendgroup: len(trace.x) for trace in traces(figure)}
    assert lengths == {"loss_bp": 2, "score_bp": 2, "optimum": 2}


def test_images_need_kaleido(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(WorkError, match="pip install kaleido"):
        write_images(content(2), tmp_path)


def test_images_need_a_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("kaleido")

    def missing(*_: object, **__: object) -> None:
        raise RuntimeError("Kaleido requires Google Chrome to be installed.")

    monkeypatch.setattr(pio, "write_images", missing)
    with pytest.raises(WorkError, match="Chrome"):
        write_images(content(2), tmp_path)
