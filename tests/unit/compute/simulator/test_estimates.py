"""What the simulator lets a policy believe of a job's size."""

from __future__ import annotations

import numpy as np
import pytest

from apps.compute.simulator.estimates import PRIOR_SECONDS, EstimateError, SizeTable
from apps.compute.simulator.workload import workload_of


def sizes(jobs=400, **changes):
    random = np.random.default_rng(1)
    kind = np.arange(jobs) % 2
    work = np.where(kind == 0, 10.0, 60.0) * random.lognormal(0.0, 0.2, jobs)
    workload = workload_of("w", np.arange(jobs), work, size=kind, tenant=kind, tenants=["a", "b"])
    return workload, SizeTable(workload, **changes)


def test_nothing_is_known_at_first_and_the_median_soon():
    workload, table = sizes()
    assert table.of(0).p50 == PRIOR_SECONDS
    for job in range(300):
        table.learn(job, float(workload.work[job]))
    assert table.of(300).p50 == pytest.approx(10.0, rel=0.12)
    assert table.of(301).p50 == pytest.approx(60.0, rel=0.12)
    assert table.of(300).p90 == pytest.approx(10.0 * np.exp(1.2816 * 0.2), rel=0.12)


def test_an_unknown_size_falls_back_to_its_tenant_and_then_to_all():
    workload = workload_of(
        "w",
        range(8),
        [5.0] * 4 + [40.0] * 4,
        size=range(8),
        tenant=[0] * 4 + [1] * 4,
        tenants=["a", "b"],
    )
    table = SizeTable(workload)
    for job in range(3):
        table.learn(job, 5.0)
    assert table.of(3).p50 == pytest.approx(5.0)
    assert table.of(4).p50 == pytest.approx(5.0)
    for job in (4, 5, 6):
        table.learn(job, 40.0)
    assert table.of(7).p50 == pytest.approx(40.0)
    assert table.of(3).p50 == pytest.approx(5.0)


def test_old_completions_fade():
    _, table = sizes()
    for _ in range(300):
        table.learn(0, 10.0)
    for _ in range(300):
        table.learn(0, 30.0)
    assert table.of(0).p50 == pytest.approx(30.0, rel=0.1)


def test_errors_are_on_top_and_come_from_the_seed():
    workload, exact = sizes(knows_sizes=True)
    assert exact.of(7).p50 == workload.work[7]
    _, double = sizes(knows_sizes=True, error=EstimateError(factor=2.0))
    assert double.of(7).p50 == 2 * workload.work[7]

    def drawn(seed):
        _, table = sizes(knows_sizes=True, error=EstimateError(sigma=0.5), seed=seed)
        return [table.of(job).p50 / workload.work[job] for job in range(400)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert np.std(np.log(drawn(1))) == pytest.approx(0.5, rel=0.1)
