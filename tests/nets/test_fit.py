"""The one fit loop: it converges, repeats itself, continues where it stopped, and knows when to stop."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from jaxtyping import Array, PRNGKeyArray

from tenrec.nets import FitSettings, FitState, Network, Progress, best_models, fit, make_network, start
from tenrec.nets.fit import optimizer

SETTINGS = FitSettings(updates=40, per_dispatch=10, learning_rate=0.02, seed=3)


def truth(x: Array) -> Array:
    return jnp.sin(2.0 * x[..., 0]) + 0.5 * x[..., 1]


def regression(model: Network, key: PRNGKeyArray, _: object = None) -> Array:
    x = jax.random.uniform(key, (64, 2), minval=-1.0, maxval=1.0)
    return jnp.mean((jax.vmap(model)(x)[:, 0] - truth(x)) ** 2)


def on_a_grid(model: Network, _: object = None) -> Array:
    axis = jnp.linspace(-1.0, 1.0, 9)
    x = jnp.stack(jnp.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    return jnp.mean((jax.vmap(model)(x)[:, 0] - truth(x)) ** 2)


def untrained(seeds: int, first: int = 0) -> Network:
    keys = jax.vmap(jax.random.key)(jnp.arange(first, first + seeds))
    return eqx.filter_vmap(lambda key: make_network(2, [16], 1, key=key))(keys)


def assert_same(first: FitState, second: FitState) -> None:
    """Bit for bit."""
    one, two = (jax.tree.leaves(eqx.filter(state, eqx.is_array)) for state in (first, second))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)


def test_converges_on_a_regression():
    settings = dataclasses.replace(SETTINGS, updates=1200, per_dispatch=400, learning_rate=0.05)
    fitted = fit(start(untrained(2), settings), regression, on_a_grid, settings)
    scores = eqx.filter_vmap(on_a_grid)(best_models(fitted))
    np.testing.assert_allclose(scores, fitted.best_score, rtol=1e-4)
    before = eqx.filter_vmap(on_a_grid)(untrained(2))
    assert bool(jnp.all(scores < 3e-3))
    assert bool(jnp.all(scores < 1e-2 * before))
    assert int(fitted.update) == 1200


def test_resumed_is_uninterrupted_bit_for_bit(tmp_path):
    """From every state that was reported, also after it has been written to a file and read back."""
    seen: list[FitState] = []
    whole = fit(start(untrained(2), SETTINGS), regression, on_a_grid, SETTINGS, on_progress=lambda _, s: seen.append(s))
    assert [int(state.update) for state in seen] == [10, 20, 30, 40]
    assert_same(seen[-1], whole)
    eqx.tree_serialise_leaves(tmp_path / "state.eqx", seen[1])
    stored = eqx.tree_deserialise_leaves(tmp_path / "state.eqx", start(untrained(2, first=7), SETTINGS))
    assert_same(stored, seen[1])
    assert_same(fit(stored, regression, on_a_grid, SETTINGS), whole)
    assert_same(fit(whole, regression, on_a_grid, SETTINGS), whole)


def test_determined_by_the_seed():
    first, again = (fit(start(untrained(1), SETTINGS), regression, on_a_grid, SETTINGS) for _ in range(2))
    assert_same(first, again)
    other_seed = dataclasses.replace(SETTINGS, seed=4)
    other = fit(start(untrained(1), other_seed), regression, on_a_grid, other_seed)
    assert bool(jnp.any(jax.tree.leaves(other.averaged)[0] != jax.tree.leaves(first.averaged)[0]))


def test_several_seeds_at_once_are_as_one_at_a_time():
    """The first of several has the keys of a model alone; where nothing is drawn, each of them is as if alone."""

    def drawn_once(model: Network, key: PRNGKeyArray, _: object) -> Array:
        return regression(model, jax.random.key(1))

    for loss, seeds in ((regression, [0]), (drawn_once, [1, 2])):
        together = fit(start(untrained(3), SETTINGS), loss, on_a_grid, SETTINGS)
        for index in seeds:
            alone = fit(start(untrained(1, first=index), SETTINGS), loss, on_a_grid, SETTINGS)
            np.testing.assert_allclose(together.best_score[index], alone.best_score[0], rtol=1e-4)
            for many, one in zip(*(jax.tree.leaves(state.best) for state in (together, alone)), strict=True):
                np.testing.assert_allclose(many[index], one[0], rtol=1e-4, atol=1e-5)


def test_each_model_sees_its_own_data():
    """Two models fit the constants they are each given."""

    def loss(model: Network, key: PRNGKeyArray, own: Array) -> Array:
        del key
        return jnp.mean((model(jnp.ones(2)) - own) ** 2)

    settings = dataclasses.replace(SETTINGS, updates=300, per_dispatch=100)
    own = jnp.array([0.7, -0.4])
    fitted = fit(start(untrained(2), settings), loss, lambda model, own: loss(model, None, own), settings, data=own)  # type: ignore[arg-type]
    found = eqx.filter_vmap(lambda model: model(jnp.ones(2))[0])(best_models(fitted))
    np.testing.assert_allclose(found, own, atol=0.01)


class Number(eqx.Module):
    """One number that is learned; the square of it is the loss."""

    x: Array


def pull(model: Number, key: PRNGKeyArray, _: object) -> Array:
    del key
    return jnp.sum((model.x - 1.0) ** 2)


def test_updates_and_averages_are_those_of_a_plain_loop():
    """The weights against a loop with the same optimiser; the average with its early shorter memory, in NumPy."""
    settings = FitSettings(updates=25, per_dispatch=5, learning_rate=0.1, average=0.6, clip=0.5)
    fitted = fit(start(Number(jnp.zeros((1, 2))), settings), pull, lambda m, _: pull(m, None, None), settings)  # type: ignore[arg-type]
    rule, x = optimizer(settings), jnp.zeros(2)
    memory, average = rule.init(x), np.zeros(2)
    for index in range(25):
        change, memory = rule.update(2.0 * (x - 1.0), memory, x)
        x = optax.apply_updates(x, change)
        keep = min(0.6, (1 + index) / (10 + index))
        average = keep * average + (1 - keep) * np.asarray(x)
    np.testing.assert_allclose(fitted.models.x[0], x, rtol=1e-5)
    np.testing.assert_allclose(fitted.averaged.x[0], average, rtol=1e-5)


def test_no_average_keeps_the_raw_weights():
    settings = FitSettings(updates=10, per_dispatch=5, average=0.0)
    fitted = fit(start(Number(jnp.zeros((1, 2))), settings), pull, lambda m, _: pull(m, None, None), settings)  # type: ignore[arg-type]
    np.testing.assert_array_equal(fitted.averaged.x, fitted.models.x)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_learning_rates(schedule: str):
    """Adam's first steps on a constant gradient are as long as the learning rate."""
    settings = FitSettings(updates=200, learning_rate=0.01, schedule=schedule, clip=1e9)  # type: ignore[arg-type]
    rule = optimizer(settings)
    memory, steps = rule.init(jnp.zeros(())), []
    for _ in range(200):
        change, memory = rule.update(jnp.ones(()), memory)
        steps.append(-float(change))
    if schedule == "constant":
        np.testing.assert_allclose(steps, 0.01, rtol=1e-3)
    else:
        assert steps[0] == pytest.approx(0.001, rel=1e-2)
        assert max(steps) == pytest.approx(0.01, rel=1e-2)
        assert np.argmax(steps) == 4
        assert steps[-1] == pytest.approx(0.0001, rel=0.05)
        assert (np.diff(steps[4:]) < 0).all()


def test_gradients_are_clipped():
    settings = FitSettings(updates=2, clip=1.0, schedule="constant")
    rule = optimizer(settings)
    large, small = jnp.array([300.0, 400.0]), jnp.array([0.6, 0.8])
    one, two = (rule.update(gradient, rule.init(jnp.zeros(2)))[1] for gradient in (large, small))
    for left, right in zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-5)


def worsens(model: Number, at: Array) -> Array:
    """A score with its best where the learned number passes `at`."""
    return jnp.sum((model.x - at) ** 2)


def descend(model: Number, key: PRNGKeyArray, at: Array) -> Array:
    del key, at
    return -jnp.sum(model.x)


def test_stops_when_nothing_improves_and_keeps_the_best():
    """The number grows by 0.1 an update; a model stops two validations after the one where its score was best."""
    settings = FitSettings(updates=100, per_dispatch=5, learning_rate=0.1, schedule="constant", average=0.0, patience=2)
    reports: list[Progress] = []
    fitted = fit(
        start(Number(jnp.zeros((1, 1))), settings),
        descend,
        worsens,
        settings,
        data=jnp.array([1.5]),
        on_progress=lambda progress, _: reports.append(progress),
    )
    assert [report.update for report in reports] == [5, 10, 15, 20, 25]
    assert fitted.best_update.tolist() == [15]
    np.testing.assert_allclose(best_models(fitted).x, 1.5, rtol=1e-4)
    np.testing.assert_allclose(fitted.models.x, 2.5, rtol=1e-4)
    np.testing.assert_allclose([report.score[0] for report in reports], [1.0, 0.25, 0.0, 0.25, 1.0], atol=1e-4)
    assert_same(fit(fitted, descend, worsens, settings, data=jnp.array([1.5])), fitted)


def test_a_model_out_of_patience_is_not_revived_by_its_neighbour():
    """Two at once end with the best that each has alone; the score of the first falls again after it has run out."""

    def falls_again(model: Number, at: Array) -> Array:
        return jnp.where(model.x[0] > 4.0, -10.0, worsens(model, at))

    settings = FitSettings(updates=60, per_dispatch=5, learning_rate=0.1, schedule="constant", average=0.0, patience=2)
    at = jnp.array([1.5, 3.5])
    both = fit(start(Number(jnp.zeros((2, 1))), settings), descend, falls_again, settings, data=at)
    assert both.best_update.tolist()[0] == 15
    for index in range(2):
        alone = fit(
            start(Number(jnp.zeros((1, 1))), settings), descend, falls_again, settings, data=at[index : index + 1]
        )
        np.testing.assert_array_equal(alone.best_score[0], both.best_score[index])
        np.testing.assert_array_equal(alone.best.x[0], both.best.x[index])


def test_without_patience_all_updates_are_made():
    settings = FitSettings(updates=30, per_dispatch=5, learning_rate=0.1, patience=0)
    fitted = fit(start(Number(jnp.zeros((1, 1))), settings), descend, worsens, settings, data=jnp.array([0.0]))
    assert int(fitted.update) == 30


def test_a_last_dispatch_may_be_shorter():
    settings = FitSettings(updates=13, per_dispatch=5)
    updates: list[int] = []
    fit(
        start(Number(jnp.zeros((1, 1))), settings),
        descend,
        worsens,
        settings,
        data=jnp.zeros(1),
        on_progress=lambda progress, _: updates.append(progress.update),
    )
    assert updates == [5, 10, 13]


def test_what_is_not_a_number_never_becomes_the_best():
    def broken(model: Number, at: Array) -> Array:
        return jnp.where(model.x[0] > 0.7, jnp.nan, worsens(model, at))

    settings = FitSettings(updates=20, per_dispatch=5, learning_rate=0.1, schedule="constant", average=0.0)
    fitted = fit(start(Number(jnp.zeros((1, 1))), settings), descend, broken, settings, data=jnp.array([5.0]))
    assert fitted.best_update.tolist() == [5]
    np.testing.assert_allclose(best_models(fitted).x, 0.5, rtol=1e-4)
