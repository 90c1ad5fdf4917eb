"""What a product's fields may hold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.product_fields import (
    MAX_ATTRIBUTES,
    attributes_from_lines,
    attributes_to_lines,
    clean_attributes,
    clean_sku,
    clean_title,
    clean_view,
)
from apps.core.errors import InvalidError


def test_blanks_and_control_characters_leave_an_sku() -> None:
    assert clean_sku("  AMB \t 250\u202e\x00 ") == "AMB 250"


@pytest.mark.parametrize("sku", ["", "   ", "\x00", "x" * 65])
def test_an_unusable_sku_names_its_field(sku: str) -> None:
    with pytest.raises(InvalidError) as refused:
        clean_sku(sku)

    assert refused.value.data == {"field": "sku"}


def test_a_title_may_be_empty_but_not_endless() -> None:
    assert clean_title("") == ""
    with pytest.raises(InvalidError):
        clean_title("x" * 201)


def test_a_view_is_kept_in_lower_case() -> None:
    assert clean_view(" Sole ") == "sole"


@pytest.mark.parametrize("text", ["leather", "material:", ": leather", f"a: {'x' * 201}"])
def test_a_line_that_is_no_attribute_is_refused(text: str) -> None:
    with pytest.raises(InvalidError):
        attributes_from_lines(text)


def test_too_many_attributes_are_refused() -> None:
    with pytest.raises(InvalidError):
        clean_attributes({f"name {n}": "value" for n in range(MAX_ATTRIBUTES + 1)})


_WORD = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


@given(st.dictionaries(_WORD, _WORD, max_size=MAX_ATTRIBUTES))
def test_attributes_come_back_as_they_were_written(attributes: dict[str, str]) -> None:
    cleaned = clean_attributes(attributes)

    assert attributes_from_lines(attributes_to_lines(cleaned)) == cleaned
