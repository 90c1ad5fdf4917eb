"""The table of sales channels and what it refuses."""

from __future__ import annotations

import pytest

from apps.core.errors import InvalidError
from apps.studio.sales_channels import (
    SALES_CHANNELS,
    Evidence,
    require_white,
    select,
)


def test_every_output_is_one_the_protocol_accepts():
    from gpu_workers.protocol import OutputSpec

    for slug, entry in SALES_CHANNELS.items():
        output = OutputSpec(**entry.output())

        assert output.name == slug
        assert 16 <= output.width_px <= 6000
        assert 16 <= output.height_px <= 6000
        assert output.fill is None or 0.2 <= output.fill <= 0.98
        assert output.quality >= 90


def test_every_number_says_where_it_comes_from():
    for entry in SALES_CHANNELS.values():
        assert entry.source
        assert entry.note.endswith(".")
        assert entry.evidence.label
        assert entry.checked_on.year >= 2026


def test_only_our_own_preset_is_graded_as_our_own():
    ours = [entry.slug for entry in SALES_CHANNELS.values() if entry.evidence is Evidence.OURS]

    assert ours == ["web-shop"]


@pytest.mark.parametrize(
    ("slug", "size", "fill", "exact_white"),
    [
        ("amazon-main", (2000, 2000), 0.87, True),
        ("google-merchant", (1500, 1500), 0.82, False),
        ("walmart", (2200, 2200), 0.87, True),
        ("etsy", (2000, 1500), 0.78, False),
        ("instagram-portrait", (1080, 1350), None, False),
    ],
)
def test_the_presets_hold_the_numbers_that_were_researched(slug, size, fill, exact_white):
    entry = SALES_CHANNELS[slug]

    assert (entry.width_px, entry.height_px) == size
    assert entry.fill == fill
    assert entry.exact_white is exact_white


def test_walmart_refuses_more_than_five_megabytes():
    assert SALES_CHANNELS["walmart"].max_bytes == 5_000_000


def test_selecting_keeps_the_order_and_drops_repetitions():
    chosen = select(["shopify", "amazon-main", "shopify"])

    assert [entry.slug for entry in chosen] == ["shopify", "amazon-main"]


def test_selecting_nothing_is_refused():
    with pytest.raises(InvalidError) as refusal:
        select([])

    assert refusal.value.code == "studio.sales_channel_missing"


def test_an_unknown_sales_channel_is_named_in_the_refusal():
    with pytest.raises(InvalidError) as refusal:
        select(["amazon-main", "corner-shop"])

    assert refusal.value.code == "studio.sales_channel_unknown"
    assert "corner-shop" in refusal.value.message


def test_a_scene_that_is_not_white_is_refused_by_name_where_white_is_demanded():
    with pytest.raises(InvalidError) as refusal:
        require_white(
            select(["shopify", "amazon-main", "walmart"]),
            scene_title="Oak table",
            scene_is_exact_white=False,
        )

    assert refusal.value.code == "studio.scene_not_white"
    assert refusal.value.data["sales_channels"] == ["amazon-main", "walmart"]
    for word in ("Amazon main image", "Walmart", "Oak table"):
        assert word in refusal.value.message
    assert "Shopify" not in refusal.value.message


def test_a_white_scene_passes_everywhere():
    require_white(tuple(SALES_CHANNELS.values()), scene_title="White", scene_is_exact_white=True)


def test_any_scene_passes_where_no_channel_demands_white():
    require_white(select(["shopify"]), scene_title="Oak table", scene_is_exact_white=False)
