"""How a render moves."""

from __future__ import annotations

from apps.studio.models import Render
from apps.studio.states import ENDED, RENDER_MOVES, RenderMove


def test_the_table_names_exactly_the_states_of_the_model():
    named = {target for _, target in RENDER_MOVES.values()}
    named |= {source for sources, _ in RENDER_MOVES.values() for source in sources}

    assert named == set(Render.State.values)


def test_nothing_leads_out_of_an_end():
    for sources, _ in RENDER_MOVES.values():
        assert not sources & ENDED


def test_every_movement_has_a_row_and_none_leads_to_where_it_starts():
    assert set(RENDER_MOVES) == set(RenderMove)
    for sources, target in RENDER_MOVES.values():
        assert target not in sources


def test_the_ends_are_the_models_ends():
    assert set(Render.ENDED) == ENDED
