"""A seed draws a schedule, always the same."""

from tests.chaos import schedule


def test_a_seed_draws_every_act_once_and_always_the_same() -> None:
    steps = schedule.draw(7)
    assert steps == schedule.draw(7)
    assert steps != schedule.draw(8)
    assert sorted(step.act for step in steps) == sorted((*schedule.ACTS, schedule.PRODUCER))
    assert list(steps) == sorted(steps, key=lambda step: step.share)
    assert all(0 < step.share < 0.9 for step in steps)
    assert schedule.told(steps).count("%") == len(steps)


def test_the_producer_dies_while_it_has_something_to_publish() -> None:
    for seed in range(50):
        (dies,) = (step for step in schedule.draw(seed) if step.act == schedule.PRODUCER)
        assert dies.share <= 0.3
