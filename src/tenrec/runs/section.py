"""A part of the configuration, and the numbers that parts are made of."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

Positive = Annotated[float, Field(gt=0)]
Price = Annotated[float, Field(gt=0, le=1e12)]
Share = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """A part of the configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, given: Any, info: Any) -> Any:
        """YAML reads `yes` and `on` as true, and true would pass for 1."""
        field = cls.model_fields[str(info.field_name)]
        if isinstance(given, bool) and field.annotation is not bool:
            raise ValueError(f"{str(given).lower()} was given, which is a switch; a number or a word is needed")
        return given
