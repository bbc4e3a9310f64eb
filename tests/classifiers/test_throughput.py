import pytest
import torch

from unsee import InputError, black_box
from unsee.classifiers import throughput
from unsee.classifiers.throughput import PassCost, Timing


def test_overhead_by_hand() -> None:
    cost = {"forwards": 10, "backwards": 4, "seconds": 7.0}
    assert PassCost(0.1, 0.3).seconds(cost) == pytest.approx(6 * 0.1 + 4 * 0.3)
    assert PassCost(0.1, 0.3).overhead(cost) == pytest.approx(7.0 / 1.8)
    assert PassCost(0.1, 0.3).overhead(cost, 3.6) == pytest.approx(2.0)


def test_fastest_configuration_of_each_kind_of_pass() -> None:
    timings = [
        Timing("float32", "contiguous", 1, 0.3, 0.5),
        Timing("float32", "channels_last", 4, 0.2, 0.6),
        Timing("bfloat16", "channels_last", 4, 0.1, 0.1),
    ]
    assert throughput.fastest(timings, "float32").cost == PassCost(0.2, 0.5)


def test_every_configuration_is_timed_and_no_pass_is_counted(network) -> None:
    timings = list(
        throughput.timings(network, (32, 32), (1, 2), (torch.float32,), rounds=1, seconds=0.001)
    )
    assert {(t.memory_format, t.chunk) for t in timings} == {
        (memory_format, chunk)
        for memory_format in ("channels_last", "contiguous")
        for chunk in (1, 2)
    }
    assert all(0 < t.forward < 1 and 0 < t.forward_backward < 1 for t in timings)
    assert network.passes.forwards == 0


def test_interleave_runs_every_step_between_measurements() -> None:
    steps, costs = iter(range(5)), [PassCost(1.0, 2.0), *[PassCost(3.0, 4.0)] * 6]
    queue = iter(costs)
    seconds, cost = throughput.interleave(steps, lambda: next(queue), interval=0.0)
    assert next(steps, None) is None
    assert seconds >= 0
    assert cost.forward == pytest.approx((1 + 6 * 3) / 7)


def test_black_box_is_refused() -> None:
    box = black_box(lambda x: x.mean((1, 2))[:, :2], size=(32, 32))
    with pytest.raises(InputError, match="timing a network needs"):
        next(throughput.timings(box, (32, 32), (1,), (torch.float32,)))
