"""Tasks on processes of their own."""

import pytest

from alphacrystal.errors import InputError
from alphacrystal.evaluation import METRIC_SETS, best_values, metric_names, run_tasks
from alphacrystal.evaluation._metrics import MetricValue


def test_results_come_in_the_order_of_the_tasks() -> None:
    seen: list[tuple[int, int]] = []
    results = run_tasks(divmod, [(7, 2), (9, 4), (1, 0)], workers=2, on_done=lambda *done: seen.append(done))
    assert [result.value for result in results] == [(3, 1), (2, 1), None]
    assert "ZeroDivisionError" in str(results[2].failure)
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_a_task_that_takes_too_long_or_kills_its_process_fails_alone() -> None:
    tasks = ["sum(iter(int, 1))", "__import__('os')._exit(3)", "6 * 7"]
    results = run_tasks(eval, [(task,) for task in tasks], time_limit_s=1.0)
    assert [result.value for result in results] == [None, None, 42]
    assert results[0].failure == "it took more than 1 s of processor time"
    assert results[1].failure == "the process that computed it died"


def test_waiting_is_no_processor_time() -> None:
    (result,) = run_tasks(eval, [("__import__('time').sleep(1.5) or 7",)], time_limit_s=0.5)
    assert result.value == 7


def test_metrics_come_with_their_invariant_forms() -> None:
    assert metric_names("superpose_rmsd") == ["superpose_rmsd", "superpose_invariant"]
    assert metric_names("none") == []
    assert len(METRIC_SETS["paper"]) == 8
    assert set(metric_names("cspbench")) > set(METRIC_SETS["cspbench"])
    with pytest.raises(InputError, match="no metric named 'rmsd'"):
        metric_names("chamfer_dist,rmsd")


def test_best_of_several_candidates_is_the_least_distance_and_the_largest_overlap() -> None:
    rows = [
        {"chamfer_dist": MetricValue(2.0), "distance_map_overlap": MetricValue(0.5)},
        {"chamfer_dist": MetricValue(1.0), "distance_map_overlap": MetricValue(0.9)},
        {"chamfer_dist": MetricValue.missing("of a test"), "distance_map_overlap": MetricValue(0.9)},
    ]
    assert best_values(rows) == {"chamfer_dist": (1.0, 1), "distance_map_overlap": (0.9, 1)}
    assert best_values(rows[2:])["chamfer_dist"] is None
