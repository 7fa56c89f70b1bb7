"""From a YAML file and `--set` overrides to a checked tuning configuration, with errors in one sentence."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from tenrec.core.errors import ConfigError
from tenrec.runs.loading import apply_override, plain_mapping, read_yaml
from tenrec.runs.tuning.config import TuneConfig

Source = TuneConfig | Mapping[str, Any] | str | Path

EXPORTED = ("hedging", "optimization_metadata", "expected_performance")
"""Sections of an exported rule that no configuration has."""


def load_tune_config(source: Source, overrides: Iterable[str] = ()) -> TuneConfig:
    """A checked configuration from a file, a mapping or a configuration, changed by `key.path=value` overrides.

    Raises:
        ConfigError: in one sentence.

    Example:
        >>> load_tune_config({"search": {"trials": 20}}, ["search.seed=7"]).search.seed
        7
        >>> load_tune_config({"search": {"trails": 20}})
        Traceback (most recent call last):
            ...
        tenrec.core.errors.ConfigError: Configuration key 'search.trails' is not known; did you mean 'trials'?
    """
    if isinstance(source, TuneConfig):
        given = source.model_dump(mode="json")
    elif isinstance(source, Mapping):
        given = plain_mapping(source)
    else:
        given = read_yaml(Path(source))
    for override in overrides:
        apply_override(given, override)
    try:
        return TuneConfig.model_validate(given)
    except ValidationError as error:
        raise ConfigError(sentence(error, TuneConfig)) from None


def sentence(error: ValidationError, model: type[BaseModel]) -> str:
    """What is wrong with a configuration of this model, its first problem."""
    problem: Any = error.errors()[0]
    location = [
        str(part) for part in problem["loc"] if str(part) not in ("generated", "recorded", "interval", "choices")
    ]
    names = [part for part in location if not part.startswith("tuple[")]
    path, more = ".".join(names), len(error.errors()) - 1
    also = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
    match problem["type"]:
        case "extra_forbidden":
            known = _known(model, problem["loc"][:-1])
            close = difflib.get_close_matches(names[-1], known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known keys there: {', '.join(known)}."
            return f"Configuration key {path!r} is not known{also}; {hint}"
        case "value_error":
            where = f"Configuration key {path!r}" if path else "The configuration does not fit together"
            return f"{where}: {problem['ctx']['error']}{also}."
        case "too_short":
            return f"Configuration key {path!r} is empty{also}; give it at least one value."
        case "missing":
            return f"Configuration key {path!r} is missing{also}; it has no default, so give it a value."
        case "union_tag_invalid":
            return (
                f"Configuration key {path!r} is of no known kind{also}; choose from {problem['ctx']['expected_tags']}."
            )
    shown = " ".join(repr(problem["input"]).split())[:60]
    return f"Configuration key {path!r} is {shown}{also}; {problem['msg'].replace('Input should be', 'it must be')}."


def _known(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The keys that the section at a location knows."""
    here: Any = model
    for part in location:
        fields = getattr(here, "model_fields", {})
        if part in fields:
            here = fields[part].annotation
        here = _section(here, part)
    return list(getattr(here, "model_fields", {}))


def _section(annotation: Any, part: int | str) -> Any:
    """The model that an annotation holds; of several kinds, the one whose tag or place is `part`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = [found for item in get_args(annotation) if (found := _section(item, part)) is not None]
    for one in models:
        tag = next((f.default for name, f in one.model_fields.items() if name == "source"), None)
        if str(part) in (tag, str(getattr(one.model_fields.get("source"), "annotation", ""))):
            return one
    return models[-1] if models else None
