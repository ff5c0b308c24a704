"""The sampling temperature follows novelty."""

from patternboost.loop.temperature import Temperature


def test_it_rises_while_samples_repeat_and_comes_back():
    temperature = Temperature(1.0, 0.5)
    for _ in range(3):
        temperature.note(10, 100)
    assert 1.3 < temperature.value < 1.4
    for _ in range(10):
        temperature.note(90, 100)
    assert temperature.value == 1.0


def test_it_has_a_limit_and_needs_samples_and_a_goal():
    temperature = Temperature(0.8, 0.5)
    temperature.note(0, 0)
    assert temperature.value == 0.8
    for _ in range(50):
        temperature.note(0, 10)
    assert temperature.value == 1.6
    still = Temperature(1.0, 0.0)
    still.note(0, 10)
    assert still.value == 1.0
