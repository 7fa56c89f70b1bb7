"""Studies: the same for the same seed, whole after an interruption, safe from other configurations."""

import warnings
from pathlib import Path

import pytest

from tenrec.core.errors import ConfigError, InputError
from tenrec.tuning.search import PARAMETERS, Dimension, Space
from tenrec.tuning.study import completed, numbers_of, open_storage, open_study, quiet, release, run_trials, settle

SPACE = Space(
    (Dimension("cadence_seconds", choices=(30.0, 60.0)), Dimension("hedge_ratio", low=0.8, high=1.0)),
    dict.fromkeys(PARAMETERS, 0.0),
)


def evaluate(values):
    score = -((values["hedge_ratio"] - 0.9) ** 2) - values["cadence_seconds"] / 1e4
    return [score], -1.0, {"score": score}


def proposals(study) -> list[dict]:
    return [trial.params for trial in completed(study)]


def address(folder: Path) -> str:
    return f"sqlite:///{folder / 'study.db'}"


def test_the_same_seed_makes_the_same_study():
    first, second, other = (open_study(open_storage(None), "a", {}, several=False) for _ in range(3))
    for study, seed in ((first, 1), (second, 1), (other, 2)):
        run_trials(study, SPACE, evaluate, trials=15, seed=seed)
    assert proposals(first) == proposals(second) != proposals(other)
    assert numbers_of(completed(first)[3])["score"] == completed(first)[3].value


def test_an_interrupted_study_ends_as_if_it_had_not_been(tmp_path: Path):
    whole = open_study(open_storage(None), "a", {}, several=False)
    run_trials(whole, SPACE, evaluate, trials=16, seed=3)

    calls = 0

    def interrupted(values):
        nonlocal calls
        calls += 1
        if calls == 8:
            raise KeyboardInterrupt
        return evaluate(values)

    study = open_study(open_storage(address(tmp_path)), "a", {}, several=False)
    with pytest.raises(KeyboardInterrupt):
        run_trials(study, SPACE, interrupted, trials=16, seed=3)
    study = open_study(open_storage(address(tmp_path)), "a", {}, several=False)
    assert release(study) <= 1
    run_trials(study, SPACE, evaluate, trials=16, seed=3)
    assert settle(study, patience=0.0) == 0
    assert proposals(study) == proposals(whole)


def test_what_was_left_running_is_given_up_and_queued_sets_are_not_lost(tmp_path: Path):
    study = open_study(open_storage(address(tmp_path)), "a", {}, several=False)
    study.enqueue_trial({"cadence_seconds": 30.0, "hedge_ratio": 0.87})
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a heartbeat wants `optimize`; here the trial is to be left alone
        study.ask()
    assert release(study) == 1
    run_trials(study, SPACE, evaluate, trials=2, seed=1)
    assert proposals(study)[0]["hedge_ratio"] == 0.87


def test_another_configuration_is_refused_and_the_study_left_alone(tmp_path: Path):
    study = open_study(open_storage(address(tmp_path)), "a", {"search": {"seed": 1}}, several=False)
    run_trials(study, SPACE, evaluate, trials=3, seed=1)
    with pytest.raises(ConfigError, match=r"another configuration \(search.seed was 1, now 2\)"):
        open_study(open_storage(address(tmp_path)), "a", {"search": {"seed": 2}}, several=False)
    again = open_study(open_storage(address(tmp_path)), "a", {"search": {"seed": 1}}, several=False)
    assert proposals(again) == proposals(study)


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/study.db", "postgresql://me:secret@127.0.0.1:1/none", "carrier-pigeon"]
)
def test_a_storage_that_cannot_be_reached_is_named_without_its_password(url: str):
    with pytest.raises(InputError, match="cannot be reached") as caught:
        open_storage(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_objectives_and_a_constraint():
    def both(values):
        return [values["hedge_ratio"], -values["hedge_ratio"]], values["hedge_ratio"] - 0.9, {"score": 0.0}

    study = open_study(open_storage(None), "a", {}, several=True)
    run_trials(study, SPACE, both, trials=12, seed=1, constrained=True)
    assert len(completed(study)) == 12
    assert len(study.directions) == 2
