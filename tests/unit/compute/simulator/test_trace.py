"""Trace files and what can be done with workloads."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from apps.compute.simulator.generators import GENERATORS, workload_from_text
from apps.compute.simulator.trace import read_trace
from apps.compute.simulator.workload import (
    WorkloadError,
    between,
    joined_workload,
    with_noisy_neighbor,
    workload_of,
)

HEADER = "arrival_s,tenant,work_s"
DAY = 86400


def written(tmp_path, *lines, name="trace.csv"):
    path = tmp_path / name
    text = "\n".join(lines) + "\n"
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def test_a_trace_begins_at_its_first_arrival(tmp_path):
    path = written(tmp_path, HEADER, "100,a,5", "130.5,b,7.25", "140,a,5", name="t.csv.gz")
    workload = read_trace(path)
    assert workload.name == "t"
    assert workload.arrival.tolist() == [0.0, 30.5, 40.0]
    assert workload.work.tolist() == [5.0, 7.25, 5.0]
    assert [workload.tenants[place] for place in workload.tenant] == ["a", "b", "a"]
    assert workload.work_seconds == 17.25


def test_hints_make_classes_but_outcomes_do_not(tmp_path):
    lines = [
        f"{HEADER},batch_key,images,steps,loras,ok",
        "0,a,5,m1-t2i,1,30,0,1",
        "1,a,9,m1-t2i,1,30,0,0",
        "2,a,9,m1-i2i,4,30,0,1",
        "3,a,9,m2-t2i,1,30,2,1",
    ]
    workload = read_trace(written(tmp_path, *lines))
    size, engine, batch = (
        values.tolist() for values in (workload.size, workload.engine, workload.batch)
    )
    assert size[0] == size[1] != size[2]
    assert engine[0] == engine[2] != engine[3]
    assert batch[0] == batch[1] != batch[2]
    assert batch[3] == -1
    assert workload.pixel_steps.tolist() == [30.0, 30.0, 120.0, 30.0]


def test_folding_lays_days_upon_one_and_keeps_their_tenants_apart(tmp_path):
    rows = [f"{day * DAY + 60 * day},a,5" for day in range(5)]
    workload = read_trace(written(tmp_path, HEADER, *rows), fold_days=(1, 3))
    assert workload.arrival.tolist() == [0.0, 60.0, 120.0]
    assert len(set(workload.tenant.tolist())) == 3


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["when,who,what", "0,a,5"], r"line 1: the columns must begin with arrival_s"),
        ([HEADER, "0,a,5", "1,a"], r"line 3: 2 values under 3 columns"),
        ([HEADER, "0,a,five"], r"line 2: work_s is 'five'"),
        ([HEADER, "nan,a,5"], r"line 2: arrival_s is 'nan'"),
        ([HEADER, "-1,a,5"], r"line 2: arrival_s is '-1'"),
        ([HEADER, "0,a,0"], r"line 2: work_s must be above 0"),
        ([HEADER, "9,a,5", "8,a,5"], r"line 3: arrival_s goes back; sort the file"),
        ([HEADER], r"has no jobs"),
        ([], r"line 1: the columns must begin"),
    ],
)
def test_a_broken_trace_is_named_with_its_line_and_cure(tmp_path, lines, complaint):
    with pytest.raises(WorkloadError, match=complaint):
        read_trace(written(tmp_path, *lines))


def test_files_that_are_none_are_refused_in_words(tmp_path):
    with pytest.raises(WorkloadError, match="There is no file"):
        read_trace(tmp_path / "missing.csv")
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(gzip.compress(b"arrival_s,tenant,work_s\n0,a,1\n")[:-6])
    with pytest.raises(WorkloadError, match="cannot be read"):
        read_trace(broken)
    latin = tmp_path / "latin.csv"
    latin.write_bytes(b"arrival_s,tenant,work_s\n0,t\xe9,1\n")
    with pytest.raises(WorkloadError, match="UTF-8"):
        read_trace(latin)


def test_a_noisy_neighbor_comes_on_top():
    quiet = workload_of("w", [0, 10, 20], [1.0, 2.0, 3.0])
    noisy = with_noisy_neighbor(quiet, jobs=5, seconds=25.0, at=10.0)
    assert len(noisy) == 8
    assert noisy.tenants[-1] == "noisy"
    crowd = noisy.tenant == len(noisy.tenants) - 1
    assert noisy.arrival[crowd].tolist() == [10.0] * 5
    assert noisy.work[~crowd].tolist() == [1.0, 2.0, 3.0]


def test_a_part_and_a_whole_of_workloads():
    whole = joined_workload(
        "both",
        [
            workload_of("a", [0, 50], [1.0, 2.0], tenants=["x"]),
            workload_of("b", [0, 25], [3.0, 4.0], tenant=[1, 0], tenants=["x", "y"]),
        ],
    )
    assert whole.arrival.tolist() == [0.0, 0.0, 25.0, 50.0]
    assert [whole.tenants[place] for place in whole.tenant] == ["x", "y", "x", "x"]
    assert between(whole, 20.0, 60.0).work.tolist() == [4.0, 2.0]
    with pytest.raises(WorkloadError, match="nothing arrives"):
        between(whole, 100.0, 200.0)


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_generators_are_deterministic_and_make_what_is_asked(name):
    text = f"{name}:renders=500:seconds=8:tenants=5"
    first, second = workload_from_text(text, seed=1), workload_from_text(text, seed=1)
    other = workload_from_text(text, seed=2)
    assert len(first) == 500
    assert np.array_equal(first.arrival, second.arrival)
    assert np.array_equal(first.work, second.work)
    assert not np.array_equal(first.work, other.work)
    assert 5 <= len(first.tenants) <= 6
    assert 6.0 < np.median(first.work) < 10.5


def test_generated_workloads_have_the_shape_of_their_names():
    step = workload_from_text("step:renders=7000", seed=1)
    assert 5 < (step.arrival > 3600).sum() / (step.arrival <= 3600).sum() < 7
    bursts = workload_from_text("synchronized-bursts:renders=2400", seed=1)
    assert ((bursts.arrival + 2) % 3600 < 10).all()
    launch = workload_from_text("launch-day:renders=1000", seed=1)
    crowd = launch.tenant == launch.tenants.index("crowd")
    assert crowd.sum() == 500
    assert np.ptp(launch.arrival[crowd]) < 7200
    noisy = workload_from_text("noisy-neighbor:renders=1000", seed=1)
    crowd = noisy.tenant == noisy.tenants.index("crowd")
    assert (crowd.sum(), np.ptp(noisy.arrival[crowd])) == (200, 0.0)
    tail = workload_from_text("heavy-tail:renders=5000", seed=1)
    assert np.percentile(tail.work, 99) > 15 * np.median(tail.work)
    friday = workload_from_text("black-friday:renders=5000", seed=1)
    days = np.histogram(friday.arrival, bins=4)[0]
    assert days.argmax() == 2
    assert days[2] > 3 * days[0]


@pytest.mark.parametrize(
    "text", ["step:renders=0", "step:renders=x", "step:size=3", "step:renders=1.5", "step:renders"]
)
def test_a_workload_that_cannot_be_read_says_what_to_write(text):
    with pytest.raises(WorkloadError, match=r"after the name write renders, seconds"):
        workload_from_text(text, seed=1)


def test_an_unknown_workload_lists_the_known_ones():
    with pytest.raises(WorkloadError, match="write one of black-friday"):
        workload_from_text("quiet-day", seed=1)
