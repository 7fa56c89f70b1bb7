"""From a YAML file and `--set` overrides to a checked configuration, with errors in one sentence."""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tenrec.core.errors import ConfigError
from tenrec.runs.config import HedgeConfig
from tenrec.runs.custom import embed
from tenrec.runs.vol.signals import SignalSource

Source = HedgeConfig | Mapping[str, Any] | str | Path


def load_config(source: Source, overrides: Iterable[str] = ()) -> HedgeConfig:
    """A checked configuration from a file, a mapping or a configuration, changed by `key.path=value` overrides.

    Raises:
        ConfigError: in one sentence, for a missing file, bad YAML, an unknown key or an impossible value.

    Example:
        >>> load_config({"costs": {"proportional": 0.002}}, ["policy.kind=feed_forward"]).policy.kind
        'feed_forward'
    """
    if isinstance(source, HedgeConfig):
        given = source.model_dump(mode="json")
    elif isinstance(source, Mapping):
        given = plain_mapping(source)
    else:
        given = read_yaml(Path(source))
    for override in overrides:
        apply_override(given, override)
    base = Path(source).parent if isinstance(source, str | Path) else Path()
    given = embed(given, base)
    for section, key in (("evaluate", "pricer"), ("market", "forecaster")):
        given = _with_full_path(given, section, key, base)
    if isinstance(given.get("market"), Mapping):
        given = given | {"market": with_signal_paths(given["market"], base)}
    try:
        return HedgeConfig.model_validate(given)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from None


def _with_full_path(given: dict[str, Any], section: str, key: str, base: Path) -> dict[str, Any]:
    """The configuration with the full path of a file or run: beside the configuration, or where the user stands."""
    own = given.get(section)
    if not isinstance(own, Mapping) or not isinstance(own.get(key), str):
        return given
    return given | {section: dict(own) | {key: full_path(own[key], base)}}


def with_signal_paths(section: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """The section with the full paths of the files that its `signals` name, in whichever way they are written."""
    signals = section.get("signals")
    if not isinstance(signals, Mapping):
        return dict(section)
    found = {}
    for name, own in signals.items():
        if isinstance(own, str):
            source = SignalSource.of(own)
            found[name] = {**dataclasses.asdict(source), "file": full_path(source.file, base)}
        elif isinstance(own, Mapping) and isinstance(own.get("file"), str):
            found[name] = {**own, "file": full_path(own["file"], base)}
        else:
            found[name] = own
    return {**section, "signals": found}


def full_path(named: str, base: Path) -> str:
    """Of a file beside the configuration, or where the user stands."""
    beside = base / named
    return str((beside if beside.exists() else Path(named)).resolve())


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; give the path of a YAML file (`tenrec init` writes one).") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"{path} cannot be read as a YAML text file ({reason}); give a readable file.") from None
    try:
        given = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise ConfigError(f"{path} is not valid YAML{where}; check the indentation and the colons there.") from None
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise ConfigError(
            f"{path} holds a {type(given).__name__}; a mapping of sections (market:, contract:, …) is needed."
        )
    return given


def dump_config(config: BaseModel) -> str:
    """The configuration as YAML that `load_config` reads back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=120)


def plain_mapping(source: Mapping[str, Any]) -> dict[str, Any]:
    return {key: plain_mapping(value) if isinstance(value, Mapping) else value for key, value in source.items()}


def apply_override(given: dict[str, Any], override: str) -> None:
    path, separator, text = override.partition("=")
    if not separator or not path:
        raise ConfigError(
            f"--set {override} was given; key.path=value is needed, for example --set training.updates=200."
        )
    *parents, last = path.split(".")
    here = given
    for parent in parents:
        here = here.setdefault(parent, {})
        if not isinstance(here, dict):
            raise ConfigError(f"--set {override} was given, but {parent} is not a section; check the key's path.")
    try:
        here[last] = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ConfigError(f"--set {override} was given; its value is not valid YAML.") from None


def _sentence(error: ValidationError) -> str:
    problems = error.errors()
    first = problems[0]
    names = _key_path(first["loc"])
    path = ".".join(names)
    # A list that is too short once its bad items are out, or another member of a union, is no problem of its own.
    kept = [problem for problem in problems if _key_path(problem["loc"]) != names[: len(_key_path(problem["loc"]))]]
    problems = [first, *kept]
    more = f" (and {len(problems) - 1} more problem{'s' if len(problems) > 2 else ''})" if len(problems) > 1 else ""
    kind, context = first["type"], first.get("ctx", {})
    if kind == "extra_forbidden":
        known = _known_keys([str(part) for part in first["loc"][:-1]])
        close = difflib.get_close_matches(names[-1], known, n=1)
        kind_of = f" for {first['loc'][1]}" if names[0] in _TAGGED and first["loc"][1] != "option" else ""
        hint = f"did you mean {close[0]!r}? " if close else ""
        return f"Configuration key {path!r} is not known{kind_of}{more}; {hint}known keys there: {', '.join(known)}."
    if kind.startswith("union_tag"):
        key = {"market": "market.model", "risk": "risk.measure"}.get(path, path)
        return f"Configuration key {key!r} is {context.get('tag')!r}{more}; choose from {context.get('expected_tags')}."
    if kind == "value_error":
        where = f"Configuration key {path!r}" if path else "The configuration does not fit together"
        return f"{where}: {context['error']}{more}."
    if kind == "missing":
        return f"Configuration key {path!r} is missing{more}; it has no default, so give it a value."
    if kind in ("model_type", "model_attributes_type"):
        given = "empty" if first["input"] is None else _shown(first["input"])
        return f"Configuration key {path!r} is {given}{more}; a mapping of keys is needed, or leave it out."
    if kind == "literal_error" and len(first["msg"]) > MOST_WORDS:
        return f"Configuration key {path!r} is {_shown(first['input'])}{more}; {_nearest(first)}."
    wanted = _WANTED.get(path, _WANTED.get(kind, first["msg"].replace("Input should be", "it must be")))
    return f"Configuration key {path!r} is {_shown(first['input'])}{more}; {wanted}."


def _nearest(error: Any) -> str:
    """Of many values that are known, those most like what was given."""
    known = re.findall(r"'([^']*)'", error["msg"])
    close = difflib.get_close_matches(str(error["input"]), known, n=4, cutoff=0.3) or known[:4]
    return f"of the {len(known)} that are known the nearest are {', '.join(map(repr, close))}"


_WANTED = {
    "premium": "it must be 'fair', 'quote' or a number",
    "too_short": "at least one entry is needed",
    "tuple_type": "it must be a list, such as [a, b]",
    "invalid_key": "keys are words",
    "string_pattern_mismatch": "lower-case letters, digits and underscores are needed, a letter first",
}


_TAGGED = frozenset(("market", "contract", "risk", "premium"))
"""Sections that are one of several kinds: there, an error's location holds the kind after the key."""
_SHOWN, MOST_WORDS = 60, 300


def _key_path(location: Sequence[int | str]) -> list[str]:
    """The keys as the user writes them, without the kind that stands after a tagged section."""
    names = [str(part) for part in location]
    if names[:1] == ["hedge_with"]:
        return [name for place, name in enumerate(names) if place != 2]
    return names[:1] + names[2:] if names and names[0] in _TAGGED else names


def _shown(value: Any) -> str:
    """A value as it was given, on one line of bearable length."""
    text = " ".join(repr(value).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _known_keys(location: Sequence[str]) -> list[str]:
    """The keys that the section at `location` (with union tags in it) knows."""
    from tenrec.runs import (
        config,
        contract_specs,
        instrument_specs,
        market_specs,
        path_specs,
        policy_specs,
        risk_specs,
        trading_specs,
    )

    sections: dict[str, type[BaseModel]] = {
        "black_scholes": market_specs.BlackScholesSpec,
        "heston": market_specs.HestonSpec,
        "merton": market_specs.MertonSpec,
        "kou": market_specs.KouSpec,
        "bates": market_specs.BatesSpec,
        "sabr": market_specs.SabrSpec,
        "rough_bergomi": market_specs.RoughBergomiSpec,
        "garch": market_specs.GarchSpec,
        "regimes": market_specs.RegimesSpec,
        "uncertain": market_specs.UncertainSpec,
        "basket": market_specs.BasketSpec,
        "bootstrap": path_specs.BootstrapSpec,
        "arrays": path_specs.ArraysSpec,
        "history": path_specs.HistorySpec,
        "recorded": path_specs.RecordedSpec,
        "mix": path_specs.MixSpec,
        "option": contract_specs.EuropeanSpec,
        "book": contract_specs.EuropeanSpec,
        "listed": contract_specs.ListedSpec,
        "entropic": risk_specs.EntropicSpec,
        "cvar": risk_specs.CVaRSpec,
        "quadratic": risk_specs.QuadraticSpec,
        "mean_variance": risk_specs.MeanVarianceSpec,
        "mean_std": risk_specs.MeanStdSpec,
        "quadratic_cvar": risk_specs.QuadraticCVaRSpec,
        "semi_quadratic": risk_specs.SemiQuadraticSpec,
        "power": risk_specs.PowerSpec,
        "expectile": risk_specs.ExpectileSpec,
        "spectral": risk_specs.SpectralSpec,
        "worst_case": risk_specs.WorstCaseSpec,
        "grid": config.GridSpec,
        "costs": trading_specs.CostSpec,
        "limits": trading_specs.LimitsSpec,
        "margin": trading_specs.MarginSpec,
        "policy": policy_specs.PolicySpec,
        "rivals": policy_specs.PolicySpec,
        "training": policy_specs.TrainingSpec,
        "evaluate": policy_specs.EvaluateSpec,
    }
    if location[:1] == ["hedge_with"]:
        own = instrument_specs
        instruments = {"costs": own.OwnCostSpec, "limits": trading_specs.LimitsSpec, "option": own.OptionSpec}
        instruments |= dict.fromkeys(("spot", "future", "forward", "variance_swap", "vix_future"), own.TermsSpec)
        inner = next((instruments[name] for name in reversed(location) if name in instruments), own.InstrumentSpec)
        return list(inner.model_fields)
    for name in reversed(location):
        if name in sections:
            return list(sections[name].model_fields)
    return list(HedgeConfig.model_fields)
