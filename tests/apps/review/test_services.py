"""Verdicts, undo and the gate that nothing unapproved passes."""

from __future__ import annotations

import pytest

from apps.core.errors import ConflictError, ForbiddenError, InvalidError, NotFoundError
from apps.events.models import Event
from apps.review.models import Review, Verdict
from apps.review.queries import approved_renders, is_exportable, pending_count
from apps.review.queries.desk import review_queue
from apps.review.services import bulk_approve, decide, open_reviews, undo
from apps.tenants.scope import tenant_scope
from tests.apps.review.conftest import make_render, make_shoot

pytestmark = pytest.mark.usefixtures("in_ateliers", "redis_server")


def test_rita_approves_and_the_verdict_is_kept(rita, finished):
    render = finished()

    review = decide(actor=rita.actor, render_id=render.pk, verdict="approve")

    assert (review.state, review.decided_by) == ("approved", "rita@ateliers.example")
    assert review.decided_at is not None
    verdict = Verdict.objects.get()
    assert (verdict.action, verdict.decided_by) == ("approve", "rita@ateliers.example")
    event = Event.objects.get(kind="render.approved")
    assert (event.subject, event.data) == (render.pk, {"shoot": render.shoot_id})


def test_a_rejection_keeps_reason_and_note(rita, finished):
    render = finished()

    decide(
        actor=rita.actor,
        render_id=render.pk,
        verdict="reject",
        reason="cutout_edge",
        note="  left heel ",
    )

    verdict = Verdict.objects.get()
    assert (verdict.reason, verdict.note) == ("cutout_edge", "left heel")
    assert Review.objects.get().reason == "cutout_edge"
    assert Event.objects.get(kind="render.rejected").data["reason"] == "cutout_edge"


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"verdict": "maybe"}, "review.verdict_unknown"),
        ({"verdict": "undo"}, "review.verdict_unknown"),
        ({"verdict": "reject"}, "review.reason_unknown"),
        ({"verdict": "reject", "reason": "ugly"}, "review.reason_unknown"),
        ({"verdict": "approve", "note": "x" * 1001}, "review.note_too_long"),
    ],
)
def test_an_unusable_verdict_changes_nothing(rita, finished, values, code):
    render = finished()

    with pytest.raises(InvalidError) as refusal:
        decide(actor=rita.actor, render_id=render.pk, **values)

    assert refusal.value.code == code
    assert Review.objects.get().state == "pending"
    assert not Verdict.objects.exists()


def test_the_second_of_two_reviewers_learns_of_the_first(rita, alice, finished):
    render = finished()
    decide(actor=rita.actor, render_id=render.pk, verdict="approve")

    with pytest.raises(ConflictError) as conflict:
        decide(actor=alice.actor, render_id=render.pk, verdict="reject", reason="crop")

    assert conflict.value.code == "review.already_decided"
    assert Review.objects.get().decided_by == "rita@ateliers.example"


def test_an_undone_verdict_stays_in_the_history(rita, finished):
    render = finished()
    decide(actor=rita.actor, render_id=render.pk, verdict="reject", reason="crop")

    review = undo(actor=rita.actor, render_id=render.pk)

    assert (review.state, review.reason, review.decided_by) == ("pending", "", "")
    assert review.decided_at is None
    assert [verdict.action for verdict in Verdict.objects.all()] == ["reject", "undo"]


def test_there_is_nothing_to_undo_before_a_verdict(rita, finished):
    render = finished()

    with pytest.raises(ConflictError):
        undo(actor=rita.actor, render_id=render.pk)


@pytest.mark.parametrize("who", ["ben", "vera"])
def test_producers_and_viewers_give_no_verdicts(who, request, finished):
    person = request.getfixturevalue(who)
    render = finished()

    with pytest.raises(ForbiddenError):
        decide(actor=person.actor, render_id=render.pk, verdict="approve")
    with pytest.raises(ForbiddenError):
        undo(actor=person.actor, render_id=render.pk)
    with pytest.raises(ForbiddenError):
        bulk_approve(actor=person.actor, render_ids=[render.pk])

    assert Review.objects.get().state == "pending"


def test_eve_cannot_decide_on_a_render_of_ateliers(eve, finished):
    render = finished()

    with tenant_scope(eve.tenant.pk):
        with pytest.raises(NotFoundError):
            decide(actor=eve.actor, render_id=render.pk, verdict="approve")
        assert bulk_approve(actor=eve.actor, render_ids=[render.pk]) == 0

    assert Review.objects.get().state == "pending"


def test_a_bulk_approval_takes_those_that_wait_and_counts_them(rita, finished):
    waiting = [finished() for _ in range(3)]
    rejected = finished()
    decide(actor=rita.actor, render_id=rejected.pk, verdict="reject", reason="crop")

    count = bulk_approve(
        actor=rita.actor, render_ids=[render.pk for render in [*waiting, rejected, waiting[0]]]
    )

    assert count == 3
    assert Review.objects.get(render=rejected).state == "rejected"
    assert Verdict.objects.filter(action="approve").count() == 3
    assert Event.objects.filter(kind="render.approved").count() == 3


def test_a_bulk_approval_has_a_limit(rita):
    with pytest.raises(InvalidError) as refusal:
        bulk_approve(actor=rita.actor, render_ids=[str(n) for n in range(501)])

    assert refusal.value.code == "review.too_many"


def test_opening_a_review_twice_opens_one(finished):
    render = finished()

    open_reviews([render])

    assert Review.objects.count() == 1
    assert Event.objects.filter(kind="review.opened").count() == 1


class TestTheGate:
    """Nothing unapproved leaves the workspace."""

    def test_a_pending_render_is_not_exportable(self, finished):
        render = finished()

        assert not is_exportable(render)
        assert not approved_renders(render_ids=[render.pk]).exists()

    def test_an_approved_render_is(self, rita, finished):
        render = finished()
        decide(actor=rita.actor, render_id=render.pk, verdict="approve")

        assert is_exportable(render)
        assert list(approved_renders(shoot_id=render.shoot_id)) == [render]

    def test_a_rejected_render_is_not(self, rita, finished):
        render = finished()
        decide(actor=rita.actor, render_id=render.pk, verdict="reject", reason="crop")

        assert not is_exportable(render)

    def test_an_approval_that_was_undone_closes_the_gate_again(self, rita, finished):
        render = finished()
        decide(actor=rita.actor, render_id=render.pk, verdict="approve")
        undo(actor=rita.actor, render_id=render.pk)

        assert not is_exportable(render)

    @pytest.mark.parametrize("state", ["queued", "rendering", "failed", "canceled"])
    def test_an_unfinished_render_is_not_even_with_an_approval(self, rita, finished, state):
        render = finished()
        decide(actor=rita.actor, render_id=render.pk, verdict="approve")
        render.state = state
        render.save(update_fields=["state"])

        assert not is_exportable(render)

    def test_a_render_without_review_is_not(self, finished):
        render = finished(state="failed")
        render.state = "succeeded"
        render.save(update_fields=["state"])

        assert not is_exportable(render)

    def test_asking_for_no_renders_gives_none_rather_than_all(self, rita, finished):
        render = finished()
        decide(actor=rita.actor, render_id=render.pk, verdict="approve")

        assert not approved_renders(render_ids=[]).exists()
        assert approved_renders().count() == 1

    def test_another_workspaces_approval_opens_nothing_here(self, eve, finished):
        theirs = make_render(make_shoot(eve.tenant))
        with tenant_scope(eve.tenant.pk):
            decide(actor=eve.actor, render_id=theirs.pk, verdict="approve")

        assert not approved_renders(render_ids=[theirs.pk]).exists()


class TestTheQueue:
    """What a reviewer sees next."""

    def test_the_least_certain_comes_first_and_the_unknown_before_it(self, finished):
        sure, unsure, unknown = finished(0.95), finished(0.4), finished(None)

        queue = review_queue()

        assert [review.render_id for review in queue.reviews] == [
            unknown.pk,
            unsure.pk,
            sure.pk,
        ]
        assert queue.waiting == pending_count() == 3

    def test_decided_renders_leave_the_queue_and_count_as_progress(self, rita, finished):
        done = finished()
        finished()
        decide(actor=rita.actor, render_id=done.pk, verdict="approve")

        queue = review_queue()

        assert done.pk not in [review.render_id for review in queue.reviews]
        assert (queue.progress.decided, queue.progress.total) == (1, 2)

    def test_the_queue_of_one_shoot_holds_only_its_renders(self, ateliers, finished):
        render = finished()
        make_render(make_shoot(ateliers, 2))

        queue = review_queue(shoot_id=render.shoot_id)

        assert [review.render_id for review in queue.reviews] == [render.pk]

    def test_the_queue_of_a_foreign_shoot_is_not_found(self, eve):
        theirs = make_shoot(eve.tenant)

        with pytest.raises(NotFoundError):
            review_queue(shoot_id=theirs.pk)

    def test_twice_the_renders_need_no_more_queries(self, finished, django_assert_num_queries):
        for _ in range(3):
            finished()

        def read() -> None:
            for review in review_queue().reviews:
                assert review.render.shot.photo.product.sku
                assert review.render.shoot.number

        with django_assert_num_queries(2):
            read()
        for _ in range(3):
            finished()
        with django_assert_num_queries(2):
            read()
