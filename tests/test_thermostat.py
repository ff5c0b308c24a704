"""The sampling temperature follows novelty."""

from patternboost.loop.temperature import Thermostat


def test_it_rises_while_samples_repeat_and_comes_back():
    thermostat = Thermostat(1.0, 0.5)
    for _ in range(3):
        thermostat.note(10, 100)
    assert 1.3 < thermostat.temperature < 1.4
    for _ in range(10):
        thermostat.note(90, 100)
    assert thermostat.temperature == 1.0


def test_it_has_a_limit_and_needs_samples_and_a_goal():
    thermostat = Thermostat(0.8, 0.5)
    thermostat.note(0, 0)
    assert thermostat.temperature == 0.8
    for _ in range(50):
        thermostat.note(0, 10)
    assert thermostat.temperature == 1.6
    still = Thermostat(1.0, 0.0)
    still.note(0, 10)
    assert still.temperature == 1.0
