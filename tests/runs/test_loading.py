"""From YAML and `--set` to a configuration: what is read, what is refused, and in which words."""

from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tenrec.core.errors import ConfigError
from tenrec.runs.config import HedgeConfig
from tenrec.runs.loading import dump_config, load_config
from tests.runs.tiny import TINY

PRESETS = ("simulated.yaml", "listed_options.yaml")

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown section": ({"mraket": {}}, "'mraket' is not known; did you mean 'market'?"),
    "unknown key": ({"market": {"volatilty": 0.2}}, "'market.volatilty' is not known for black_scholes; did you mean"),
    "key of another measure": ({"risk": {"measure": "cvar", "aversion": 1}}, "'risk.aversion' is not known for cvar"),
    "unknown key in a mix": ({"market": {"model": "recorded", "mix": {"recrded": 1}}}, "did you mean 'recorded'?"),
    "unknown key of a rival": ({"rivals": [{"knd": "x"}]}, "'rivals.0.knd' is not known; did you mean 'kind'?"),
    "negative volatility": ({"market": {"volatility": -0.2}}, "'market.volatility' is -0.2; it must be greater than 0"),
    "volatility in percent": ({"market": {"volatility": 20}}, "'market.volatility' is 20"),
    "not a number": (
        {"market": {"volatility": float("nan")}},
        "'market.volatility' is nan; it must be a finite number",
    ),
    "infinite": ({"market": {"spot": float("inf")}}, "'market.spot' is inf"),
    "switch for a number": ({"market": {"volatility": True}}, "'market.volatility': true was given"),
    "zero steps": ({"grid": {"steps": 0}}, "'grid.steps' is 0"),
    "half a step": ({"grid": {"steps": 2.5}}, "'grid.steps' is 2.5"),
    "cost of 5": ({"costs": {"proportional": 5}}, "'costs.proportional' is 5; it must be less than 1"),
    "negative cost": ({"costs": {"proportional": -0.1}}, "'costs.proportional' is -0.1"),
    "strike 0": ({"contract": {"strike": 0}}, "'contract.strike' is 0"),
    "strike 0 in a book": ({"contract": [{"strike": 1}, {"strike": 0}]}, "'contract.1.strike' is 0; it must"),
    "spot beyond single precision": ({"market": {"spot": 1e300}}, "'market.spot' is 1e+300; it must be less than"),
    "multiplier beyond single precision": ({"contract": {"multiplier": 1e300}}, "'contract.multiplier' is 1e+300"),
    "more days than the calendar has": ({"contract": {"days": 1e300}}, "'contract.days' is 1e+300"),
    "nothing owned": ({"contract": {"quantity": 0}}, "quantity is 0; a negative number is sold, a positive one held"),
    "empty book": ({"contract": []}, "'contract' is []; at least one entry is needed"),
    "unknown contract": ({"contract": {"kind": "asian"}}, "'contract.kind' is 'asian'"),
    "unknown market": ({"market": {"model": "vasicek"}}, "'market.model' is 'vasicek'; choose from 'black_scholes'"),
    "unknown risk": ({"risk": {"measure": "var"}}, "'risk.measure' is 'var'; choose from 'entropic', 'cvar'"),
    "unknown policy": ({"policy": {"kind": "lstm"}}, "'policy.kind' is 'lstm'; it must be 'band_network'"),
    "unknown baseline": ({"evaluate": {"against": ["lelnd"]}}, "'evaluate.against.0' is 'lelnd'"),
    "unknown instrument": ({"hedge_with": ["gold"]}, "'hedge_with.0' is 'gold'"),
    "two instruments": ({"hedge_with": ["spot", "future"]}, "hedge_with is ['spot', 'future']"),
    "word for a list": ({"policy": {"features": "delta"}}, "'policy.features' is 'delta'; it must be a list"),
    "nothing to see": ({"policy": {"features": []}}, "'policy.features' is []; at least one entry is needed"),
    "position of a band": (
        {"policy": {"features": ["position", "delta"]}},
        "'position', which a band_network does not",
    ),
    "premium nonsense": ({"premium": "cheap"}, "'premium' is 'cheap'; it must be 'fair', 'quote' or a number"),
    "premium list": ({"premium": [1]}, "'premium' is [1]; it must be 'fair', 'quote' or a number"),
    "quote without quotes": ({"premium": "quote"}, "premium is 'quote'; only recorded markets have quotes"),
    "file left out": ({"market": {"model": "bootstrap"}}, "'market.file' is missing"),
    "empty section": ({"costs": None}, "'costs' is empty; a mapping of keys is needed, or leave it out"),
    "number for a section": ({"market": 5}, "'market' is 5; a mapping of keys is needed"),
    "word for a number": ({"training": {"paths": "many"}}, "'training.paths' is 'many'"),
    "no updates": ({"training": {"updates": 0}}, "'training.updates' is 0"),
    "reference not compared": ({"evaluate": {"against": ["leland"]}}, "it must be one of evaluate.against ['leland']"),
    "optimum as reference": (
        {"evaluate": {"against": ["optimum", "leland"], "reference": "optimum"}},
        "'optimum', which is no policy",
    ),
    "the same name twice": ({"rivals": [{}]}, "2 learned policies are called 'band_network'"),
    "name of a baseline": ({"policy": {"name": "leland"}}, "'leland', which is a baseline's name"),
    "name with blanks": ({"policy": {"name": "My policy"}}, "'policy.name' is 'My policy'; lower-case letters"),
    "listed without a record": ({"contract": {"kind": "listed"}}, "belong together and one of them was given alone"),
    "dates out of order": (
        {"market": {"model": "recorded", "train_until": "2020-12-31"}, "contract": {"kind": "listed"}},
        "are out of order",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name: str):
    given, words = REFUSED[name]
    with pytest.raises(ConfigError) as refusal:
        load_config(given)
    message = str(refusal.value)
    assert words in message
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 420
    assert "more problem" not in message


def test_several_problems_are_counted():
    with pytest.raises(ConfigError, match="and 2 more problems"):
        load_config({"grid": {"steps": 0}, "costs": {"proportional": 5}, "market": {"spot": 0}})


def test_long_values_are_cut():
    with pytest.raises(ConfigError) as refusal:
        load_config({"costs": {"proportional": "x\n" * 500}})
    assert len(str(refusal.value)) < 250


@pytest.mark.parametrize("name", PRESETS)
def test_presets_load_and_survive_a_round_trip(name: str, tmp_path: Path):
    config = load_config(Path(str(files("tenrec.runs") / "presets" / name)))
    path = tmp_path / "config.yaml"
    path.write_text(dump_config(config), encoding="utf-8")
    assert load_config(path) == config


def test_simulated_preset_says_the_defaults():
    """The commented configuration promises that what it shows are the defaults."""
    shown = load_config(Path(str(files("tenrec.runs") / "presets" / "simulated.yaml")))
    plain = HedgeConfig().model_dump(mode="json")
    different = {
        f"{section}.{key}"
        for section, values in shown.model_dump(mode="json").items()
        if isinstance(values, dict)
        for key, value in values.items()
        if value != plain[section][key]
    }
    assert different <= {"market.drift", "evaluate.against"}


def test_overrides_change_single_keys():
    given = {"market": {"volatility": 0.3}}
    config = load_config(
        given,
        ["market.spot=50", "policy.kind=feed_forward", "policy.hidden=[8, 8]", "training.learning_rate=1e-3"],
    )
    assert (config.market.volatility, config.market.spot) == (0.3, 50.0)  # type: ignore[union-attr]
    assert (config.policy.kind, config.policy.hidden) == ("feed_forward", (8, 8))
    assert config.training.learning_rate == 1e-3
    assert given == {"market": {"volatility": 0.3}}


def test_overrides_reach_dates_and_whole_sections():
    config = load_config({}, ["contract=[{strike: 1}, {strike: 2, days: 15}]", "risk={measure: cvar}", "premium=fair"])
    assert len(config.contract) == 2  # type: ignore[arg-type]
    assert (config.risk.measure, config.premium) == ("cvar", "fair")
    recorded = load_config({"market": {"model": "recorded"}}, ["contract.kind=listed", "hedge_with=[forward]"])
    assert recorded.market.train_until == date(2018, 12, 31)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("policy.kind", "key.path=value is needed"),
        ("=3", "key.path=value is needed"),
        ("hedge_with.spot=3", "hedge_with is not a section"),
        ("costs.proportional=[1", "is not valid YAML"),
        ("costs.propotional=1", "did you mean 'proportional'?"),
        ("costs..proportional=1", "is not known"),
    ],
)
def test_bad_overrides(override: str, words: str):
    with pytest.raises(ConfigError) as refusal:
        load_config({**TINY, "hedge_with": ["spot"]}, [override])
    assert words in str(refusal.value)


def test_files_that_cannot_be_read(tmp_path: Path):
    broken, listed, binary = tmp_path / "broken.yaml", tmp_path / "list.yaml", tmp_path / "binary.yaml"
    broken.write_text("market:\n  spot: 1\n bad: [1\n")
    listed.write_text("- 1\n- 2\n")
    binary.write_bytes(b"\xff\xfe\x00\x81")
    for path, words in (
        (tmp_path / "none.yaml", "does not exist"),
        (tmp_path, "cannot be read"),
        (broken, "is not valid YAML at line"),
        (listed, "holds a list"),
        (binary, "it is not text"),
    ):
        with pytest.raises(ConfigError) as refusal:
            load_config(path)
        assert words in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_an_empty_file_is_all_defaults(tmp_path: Path):
    path = tmp_path / "empty.yaml"
    path.write_text("# nothing yet\n")
    assert load_config(path) == HedgeConfig()
