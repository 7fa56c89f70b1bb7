"""Shared fixtures, and a compilation cache that outlives the test run."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import jax
import pytest
from jaxtyping import Array

import tenrec
from tests.runs.tiny import duel

MOST_MAPPINGS = 25_000
ROOT = Path(__file__).resolve().parent.parent

# Compiled functions are kept between runs and shared by all workers. The environment hands the cache on to the
# commands that tests start; JAX itself has already read the environment here, so it is told as well.
CACHE = {
    "jax_compilation_cache_dir": str(ROOT / ".cache" / "jax"),
    "jax_persistent_cache_min_compile_time_secs": 0.2,
}
# Compiling is most of what the tests do, and code that runs for milliseconds need not be optimised.
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0".strip()
for name, value in CACHE.items():
    os.environ[name.upper()] = str(value)
    jax.config.update(name, value)

# Same examples in every run; the first one of a test compiles, so time per example says nothing.
hypothesis.settings.register_profile("tenrec", derandomize=True, deadline=None, max_examples=25, database=None)
hypothesis.settings.load_profile("tenrec")


@pytest.fixture(autouse=True, scope="module")
def few_mappings() -> Iterator[None]:
    """Compiled code lives in memory mappings; a process that has used up Linux's 65,530 of them crashes."""
    yield
    maps = Path("/proc/self/maps")
    if maps.is_file() and maps.read_bytes().count(b"\n") > MOST_MAPPINGS:
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def x64() -> Iterator[None]:
    """Double precision for the test that asks for it: `@pytest.mark.usefixtures("x64")`."""
    with jax.enable_x64(True):
        yield


@pytest.fixture
def key() -> Array:
    """A random key, the same in every run."""
    return jax.random.key(20240229)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tenrec.Run:
    """A finished small run, for tests that only read it."""
    return tenrec.hedge(duel(), out=tmp_path_factory.mktemp("finished") / "run")


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, which is also the working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
