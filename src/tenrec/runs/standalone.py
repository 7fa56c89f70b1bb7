"""A hedging policy in one file. It needs NumPy, and JAX or ONNX Runtime; nothing else.

From a shell:   python POLICY.pyz --spot 1.01 --time-to-maturity 0.0329 --position 0.4
From Python:    import sys; sys.path.insert(0, "POLICY.pyz"); import tenrec_policy
                tenrec_policy.target(spot=1.01, time_to_maturity=0.0329, position=0.4)
What it is:     python POLICY.pyz --about
"""

import argparse
import importlib.util
import json
import pkgutil
import sys
from functools import cache
from typing import Any

import numpy as np

FILES = {"jax": "policy.jax", "onnx": "policy.onnx"}
NEEDS = {"jax": "jax", "onnx": "onnxruntime"}


@cache
def about() -> dict[str, Any]:
    """What the policy is: its inputs with their defaults, the run it comes from, and how it was checked."""
    return json.loads(pkgutil.get_data(__name__, "about.json") or b"{}")


def target(backend: str | None = None, **state: Any) -> np.ndarray:
    """Units of the hedging instrument to hold next; NumPy in and out, arguments broadcast.

    Of several instruments, `about()["instruments"]`, the units of each stand on a last axis.

    Args:
        backend: "jax" or "onnx"; by default the first that is installed.
        state: spot and time_to_maturity (years), and any of the other inputs that `about()` lists.

    Raises:
        ValueError: an input that is not known, missing, not a number or not finite; a backend that is not there.
    """
    inputs = about()["inputs"]
    unknown = [name for name in state if name not in inputs]
    missing = [name for name, default in inputs.items() if default is None and name not in state]
    if unknown or missing:
        problem = f"does not know {', '.join(unknown)}" if unknown else f"was not given {', '.join(missing)}"
        raise ValueError(f"The policy {problem}; its inputs are {', '.join(inputs)}.")
    given = [np.asarray(state.get(name, default), np.float32) for name, default in inputs.items()]
    wrong = [name for name, value in zip(inputs, given, strict=True) if not np.isfinite(value).all()]
    if wrong:
        raise ValueError(f"{', '.join(wrong)} is not finite; the policy needs finite numbers.")
    rows = np.broadcast_arrays(*given)
    flat = [np.ascontiguousarray(row.reshape(-1)) for row in rows]
    found = np.asarray(_function(backend)(flat), np.float64)
    return found.reshape(rows[0].shape + found.shape[1:])


@cache
def _function(backend: str | None) -> Any:
    there = [name for name in about()["formats"] if importlib.util.find_spec(NEEDS[name]) is not None]
    chosen = backend or next(iter(there), "")
    if chosen not in there:
        formats = " or ".join(NEEDS[name] for name in about()["formats"])
        raise ValueError(f"{f'{chosen!r} is not' if chosen else 'Nothing is'} usable here; install {formats}.")
    content = pkgutil.get_data(__name__, FILES[chosen]) or b""
    if chosen == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
        return lambda rows: session.run(None, dict(zip(names, rows, strict=True)))[0]
    from jax import export

    exported = export.deserialize(bytearray(content))
    return lambda rows: exported.call(*rows)


def main() -> None:
    """Ask the policy from a shell."""
    parser = argparse.ArgumentParser(description=about()["title"])
    parser.add_argument("--about", action="store_true", help="print what the policy is, as JSON")
    parser.add_argument("--backend", choices=list(FILES))
    for name, default in about()["inputs"].items():
        note = "needed" if default is None else f"default {default:g}"
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, help=f"{about()['units'][name]} ({note})")
    given = vars(parser.parse_args())
    if given.pop("about"):
        sys.stdout.write(json.dumps(about(), indent=2) + "\n")
        return
    try:
        state = {name: value for name, value in given.items() if value is not None}
        sys.stdout.write(f"{json.dumps(target(**state).tolist())}\n")
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
