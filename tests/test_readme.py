"""Every command and every piece of Python in the README runs, in order, in one empty folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# The README's runs take minutes; here they go through the same code with less work.
LESS: dict[str, dict[str, Any]] = {
    "grid": {"steps": 6},
    "training": {"updates": 4, "paths": 64, "validation_paths": 64},
    "evaluate": {"paths": 500, "against": ["no_hedge", "black_scholes_delta", "whalley_wilmott"]},
}
LESS_TUNED = [
    "--trials=4",
    "--no-png",
    "--set=ticks.weeks=2",
    "--set=ticks.interval_seconds=900",
    "--set=search.bulk=16",
    "--set=search.space.cadence_seconds='[900, 3600]'",
]
LESS_BUNDLED = ["--set=training.updates=4", "--set=market.mix.paths=50"]


def blocks(*languages: str) -> list[tuple[str, str]]:
    return [(language, text) for language, text in BLOCK.findall(README) if language in languages]


def commands(text: str) -> list[str]:
    """The commands of a shell block, without their comments."""
    lines = (line.removeprefix("$ ").partition("  #")[0].strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line]


def lighten(folder: Path) -> None:
    """Make the configurations of the user, not those that a run has kept, small."""
    for path in [*folder.glob("*.yaml"), *folder.glob("examples/*.yaml")]:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        for part, values in LESS.items():
            config[part] = {**config.get(part, {}), **values}
        path.write_text(yaml.safe_dump(config), encoding="utf-8")


def execute(command: list[str] | str, folder: Path) -> None:
    lighten(folder)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        shell=isinstance(command, str),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_readme_runs(tmp_path: Path):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    ran = 0
    for language, text in blocks("bash", "python"):
        if language == "python":
            execute([sys.executable, "-c", text], tmp_path)
            ran += 1
            continue
        for line in commands(text):
            if line.startswith("tenrec "):
                # A run on the bundled data reads no configuration of this folder that could be made small.
                bundled = line.startswith("tenrec hedge") and ".yaml" not in line
                less = LESS_BUNDLED if bundled else LESS_TUNED if line.startswith("tenrec tune") else []
                execute(" ".join([line, *less]), tmp_path)
                ran += 1
    assert ran > 0


def test_every_command_is_known():
    """What does not start with tenrec is the set-up: a change of folder, or a target of the Makefile."""
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in (line for _, text in blocks("bash") for line in commands(text)):
        words = line.split()
        assert words[0] in {"tenrec", "git", "cd"} or (words[0] == "make" and set(words[1:]) <= targets), line


def test_every_block_says_its_language():
    assert {language for language, _ in BLOCK.findall(README)} <= {"bash", "python", "yaml", "text"}


def test_links_lead_somewhere():
    links = re.findall(r"\]\((?!https?://|#|mailto:)([^)#\s]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []
