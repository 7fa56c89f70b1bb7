import dataclasses
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tenrec.core.errors import InputError
from tenrec.reporting import page, write_report
from tests.reporting.content import KINDS, chosen, content
from tests.reporting.elements import LOADING, Elements


def written(path: Path, **changes) -> Elements:
    return Elements(write_report(content(**changes), path / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("recorded", [False, True])
def test_page_loads_nothing(tmp_path: Path, recorded: bool):
    path = write_report(content(recorded=recorded), tmp_path / "report.html")
    elements = Elements(path.read_text(encoding="utf-8"))
    loaded = [(tag, attrs) for tag, attrs in elements.found if LOADING.get(tag) in attrs]
    assert loaded == []
    links = [attrs["href"] for tag, attrs in elements.found if tag == "a"]
    assert links
    assert all(link is not None and link.startswith("#") for link in links)
    style = page._asset("report.css")
    assert "url(" not in style
    assert "@import" not in style
    policy = next(attrs["content"] for tag, attrs in elements.found if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy


def test_plotly_is_inside_once_and_the_file_is_small(tmp_path: Path):
    path = write_report(content(paths=200_000), tmp_path / "report.html")
    assert path.read_text(encoding="utf-8").count("plotly.js v") == 1
    assert path.stat().st_size < 7e6


@pytest.mark.parametrize(("count", "recorded"), [(2, False), (5, True), (8, False)])
def test_every_policy_is_named(tmp_path: Path, count: int, recorded: bool):
    visible = written(tmp_path, count=count, recorded=recorded).visible
    for name in chosen(count):
        assert KINDS[name][0] in visible


def test_sections_of_a_simulated_run(tmp_path: Path):
    elements = written(tmp_path)
    anchors = [attrs["id"] for tag, attrs in elements.found if tag == "section"]
    assert anchors == ["comparison", "pnl", "hedge", "scenarios", "replay", "training", "setup", "terms"]
    assert "optimum" in elements.visible
    assert "0.138" in elements.visible


def test_sections_of_a_recorded_run(tmp_path: Path):
    elements = written(tmp_path, recorded=True)
    anchors = [attrs["id"] for tag, attrs in elements.found if tag == "section"]
    assert "recorded" in anchors
    for text in ("By expiry", "across a dividend adjustment", "fold 2018", "Forward validation", "−38.2", "2020-07-06"):
        assert text in elements.visible, text
    assert "Exact optimum" not in elements.visible


def test_page_without_the_optional_parts(tmp_path: Path):
    empty = {
        "history": pl.DataFrame(),
        "hedge_curves": (),
        "ladder": None,
        "replay": {},
        "summary": (),
        "selection": {},
    }
    data = content(2, recorded=True)
    data = dataclasses.replace(data, **empty, groups=None, days=None)
    data.metrics["validation"] = None
    elements = Elements(write_report(data, tmp_path / "report.html").read_text(encoding="utf-8"))
    anchors = [attrs["id"] for tag, attrs in elements.found if tag == "section"]
    assert anchors == ["comparison", "pnl", "setup", "terms"]


def test_hostile_names_stay_text(tmp_path: Path):
    evil = "</script><img src=x onerror=alert(1)>&\"'"
    data = content(3, recorded=True)
    data.metrics["policies"]["band_network"]["label"] = evil
    days = pl.DataFrame({"date": [evil], "difference_bp": [1.0], "label": [evil]})
    history = data.history.with_columns(stage=pl.lit(evil))
    data = dataclasses.replace(
        data, title=evil, subtitle=evil, summary=(evil,), config_yaml=evil, environment={evil: evil}, days=days,
        replay_title=evil, selection={evil: 3}, history=history,
    )  # fmt: skip
    text = write_report(data, tmp_path / "report.html").read_text(encoding="utf-8")
    elements = Elements(text)
    assert not [tag for tag, _ in elements.found if tag == "img"]
    assert "<img src=x" not in text
    assert evil in elements.visible
    # Plotly reads tags in text as well, so the names inside the figures are escaped a second time.
    names = {trace.get("name") for plot in elements.plots for trace in plot["data"]}
    assert any("&lt;img" in name for name in names if name)
    assert not any("<img" in name for name in names if name)


def test_chips_follow_the_traces(tmp_path: Path):
    elements = written(tmp_path, count=5)
    offered = {attrs["data-group"] for tag, attrs in elements.found if tag == "button" and "data-group" in attrs}
    groups = {trace.get("legendgroup") for plot in elements.plots for trace in plot["data"]}
    assert offered <= groups
    assert set(chosen(5)) <= offered


def test_a_failed_write_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "report.html"
    path.write_text("old")

    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_report(content(2), path)
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "old"


def test_folders_are_made(tmp_path: Path):
    path = write_report(content(2), tmp_path / "run" / "deep" / "report.html")
    assert [file.name for file in path.parent.iterdir()] == ["report.html"]


def test_page_is_the_same_twice(tmp_path: Path):
    first = write_report(content(3), tmp_path / "a.html").read_bytes()
    assert first == write_report(content(3), tmp_path / "b.html").read_bytes()


@pytest.mark.parametrize(
    "pnl", [{"a": np.zeros(3), "b": np.zeros(4)}, {"a": np.array([0.0, np.nan])}, {"a": np.zeros(0)}]
)
def test_bad_pnl_is_refused(pnl: dict[str, np.ndarray]):
    with pytest.raises(InputError, match="P&L"):
        content(2, pnl_bp=pnl)


def test_no_absolute_address_but_the_bundled_script(tmp_path: Path):
    text = write_report(content(3), tmp_path / "report.html").read_text(encoding="utf-8")
    own = text.replace(page.get_plotlyjs(), "")
    assert re.findall(r"https?://[^\s\"'<]+", own) == []
