"""What one file without tenrec is made of: a function as StableHLO and as ONNX, and the archive around them."""

import contextlib
import inspect
import io
import json
import logging
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

PLATFORMS = ("cpu", "cuda", "rocm", "tpu")
Function = Callable[..., Array]


def stablehlo(function: Function, columns: int, kind: type = jnp.float32) -> bytes:
    """A function of so many columns, of any number of points, for `jax.export.deserialize`."""
    (points,) = jax.export.symbolic_shape("points")
    shapes = [jax.ShapeDtypeStruct((points,), kind)] * columns
    return bytes(jax.export.export(jax.jit(function), platforms=PLATFORMS)(*shapes).serialize())


def onnx(function: Function, columns: int, *, double: bool = False) -> tuple[bytes | None, str]:
    """The model, or why there is none; the converter is not ours, so that whatever it raises is told, not thrown."""
    from jax2onnx import to_onnx

    try:
        logging.disable(logging.WARNING)
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            model = to_onnx(function, [("points",)] * columns, enable_double_precision=double)
    except Exception as error:
        return None, f"the converter says: {(str(error).splitlines() or [type(error).__name__])[0].rstrip('.')}"
    finally:
        logging.disable(logging.NOTSET)
    return model.SerializeToString(), ""


def onnx_answers(content: bytes, columns: list[np.ndarray]) -> np.ndarray:
    """What ONNX Runtime answers."""
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]
    return np.asarray(session.run(None, dict(zip(names, columns, strict=True)))[0])


def archive(path: Path, package: str, module: ModuleType, formats: Mapping[str, bytes], about: dict[str, Any]) -> None:
    """Write the Python archive: a module's source as the package, its formats under the names in its FILES."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("__main__.py", f"from {package} import main\n\nmain()\n")
        file.writestr(f"{package}/__init__.py", inspect.getsource(module))
        file.writestr(f"{package}/about.json", json.dumps(about, indent=2))
        for form, content in formats.items():
            file.writestr(f"{package}/{module.FILES[form]}", content)
