"""From a YAML file, a mapping or a file of quotes to a checked panel configuration."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tenrec.core.errors import ConfigError
from tenrec.runs.loading import apply_override, full_path, plain_mapping, read_yaml, with_signal_paths
from tenrec.runs.panel.config import PanelConfig

Source = PanelConfig | Mapping[str, Any] | str | Path
TABLES = (".csv", ".parquet")


def load_panel_config(source: Source, overrides: Iterable[str] = ()) -> PanelConfig:
    """A checked configuration; a Parquet or CSV file of quotes stands for one that names it and nothing else.

    Raises:
        ConfigError: in one sentence, for a missing file, an unknown key or an impossible value.

    Example:
        >>> load_panel_config({"panel": "shanghai"}, ["contract.quantity=1"]).contract.quantity
        1.0
    """
    if isinstance(source, PanelConfig):
        given = source.model_dump(mode="json")
    elif isinstance(source, Mapping):
        given = plain_mapping(source)
    elif Path(source).suffix.lower() in TABLES:
        given = {"panel": Path(source).name}
    else:
        given = read_yaml(Path(source))
    for override in overrides:
        apply_override(given, override)
    base = Path(source).parent if isinstance(source, str | Path) else Path()
    given = with_signal_paths(given, base)
    if isinstance(given.get("forecaster"), str):
        given["forecaster"] = full_path(given["forecaster"], base)
    try:
        return PanelConfig.model_validate(given)
    except ValidationError as error:
        raise ConfigError(_sentence(error)) from None


def _sentence(error: ValidationError) -> str:
    """The first problem, with what is needed there."""
    first = error.errors()[0]
    path, context = ".".join(str(part) for part in first["loc"]), first.get("ctx", {})
    if first["type"] == "extra_forbidden":
        return f"Configuration key {path!r} is not known in a panel backtest; known keys: {_known(first['loc'])}."
    if first["type"] == "value_error":
        where = f"Configuration key {path!r}" if path else "The configuration does not fit together"
        return f"{where}: {context['error']}."
    wanted = first["msg"].replace("Input should be", "it must be")
    return f"Configuration key {path!r} is {' '.join(repr(first['input']).split())[:60]}; {wanted}."


def _known(location: tuple[int | str, ...]) -> str:
    fields = PanelConfig.model_fields
    for part in location[:-1]:
        kind = fields[str(part)].annotation
        fields = getattr(kind, "model_fields", fields)
    return ", ".join(fields)
