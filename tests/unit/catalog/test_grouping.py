"""Which product and view a file name means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.catalog.grouping import (
    MAX_SKU,
    MAX_VIEW,
    VIEWS,
    Grouping,
    group_by_name,
    view_position,
)
from apps.catalog.inspection import clean_file_name


def grouped(file_name: str) -> Grouping:
    return group_by_name(file_name, sha256="f00dcafe" * 8)


@pytest.mark.parametrize(
    ("file_name", "sku", "view"),
    [
        ("AMB-250_front.jpg", "AMB-250", "front"),
        ("AMB-250_Back.JPG", "AMB-250", "back"),
        ("AMB-250.jpg", "AMB-250", "main"),
        ("sku-back.jpg", "sku", "back"),
        ("sku left.webp", "sku", "left"),
        ("sku (2).jpg", "sku", "2"),
        ("sku(3).jpg", "sku", "3"),
        ("sku_2.jpg", "sku", "2"),
        ("sku_02.jpg", "sku", "2"),
        ("sku_1.jpg", "sku", "main"),
        ("AMB-250_back_2.jpg", "AMB-250", "back-2"),
        ("AMB-250_back (2).jpg", "AMB-250", "back-2"),
        ("AMB-250_main.png", "AMB-250", "main"),
        ("TS-01.jpg", "TS-01", "main"),
        ("TS-01_front.jpg", "TS-01", "front"),
        ("AMB_1234.jpg", "AMB_1234", "main"),
        ("IMG_1234.jpg", "IMG_1234", "main"),
        ("IMG_12.jpg", "IMG_12", "main"),
        ("IMG_1234 (2).HEIC", "IMG_1234", "2"),
        ("DSC_42.jpg", "DSC_42", "main"),
        ("PXL_20260814_103000.jpg", "PXL_20260814_103000", "main"),
        ("sneaker_grey.jpg", "sneaker_grey", "main"),
        ("red mug.jpeg", "red mug", "main"),
        ("top.jpg", "top", "main"),
        ("_front.jpg", "front", "main"),
        ("shoe.v2.jpg", "shoe.v2", "main"),
        ("no extension", "no extension", "main"),
        (".jpg", ".jpg", "main"),
        ("__.jpg", "photo-f00dca", "main"),
        ("image.png", "image-f00dca", "main"),
        ("Photo (2).jpg", "Photo-f00dca", "main"),
        ("image_front.jpg", "image-f00dca", "main"),
    ],
)
def test_the_name_says_product_and_view(file_name: str, sku: str, view: str) -> None:
    assert grouped(file_name) == Grouping(sku, view)


def test_a_folder_of_unrelated_photos_gives_one_product_for_each() -> None:
    names = ["armchair_room.jpg", "armchair_blue.jpg", "bagel.jpg", "sneaker_grey.jpg"]

    assert len({grouped(name).sku for name in names}) == len(names)


def test_long_names_that_differ_at_the_end_stay_apart() -> None:
    names = [f"{'a' * 100}{letter}.jpg" for letter in "xyz"]

    skus = {grouped(name).sku for name in names}

    assert len(skus) == 3
    assert all(len(sku) <= MAX_SKU for sku in skus)


@given(
    sku=st.from_regex(r"[A-Z]{2,5}-[0-9]{2,5}", fullmatch=True),
    view=st.sampled_from(VIEWS),
    separator=st.sampled_from(["_", "-", " ", "__"]),
    extension=st.sampled_from(["jpg", "JPEG", "png", "heic", "webp", "avif"]),
)
def test_sku_and_view_come_back_whatever_stands_between(
    sku: str, view: str, separator: str, extension: str
) -> None:
    assert grouped(f"{sku}{separator}{view}.{extension}") == Grouping(sku, view)


@given(st.text(max_size=400))
def test_any_name_gives_a_product_that_the_database_takes(text: str) -> None:
    grouping = grouped(clean_file_name(text))

    assert 1 <= len(grouping.sku) <= MAX_SKU
    assert grouping.sku.strip() == grouping.sku
    assert 1 <= len(grouping.view) <= MAX_VIEW


def test_views_stand_in_the_order_a_shop_shows_them() -> None:
    shown = ["main", "front", "front-2", "angle", "back", "back-2", "detail", "2", "10", "odd"]

    assert sorted(set(shown), key=view_position) == shown
