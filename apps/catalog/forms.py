"""Forms of the catalog. They read what a browser sends; the rules stand in `product_fields`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django import forms

from apps.catalog.models import Product
from apps.catalog.product_fields import (
    MAX_SKU,
    MAX_TITLE,
    attributes_from_lines,
    attributes_to_lines,
)
from apps.core.errors import ConflictError, DomainError, InvalidError


class NewProductForm(forms.Form):
    """A product to be created; photos are added on its page."""

    sku = forms.CharField(label="SKU", max_length=MAX_SKU)
    title = forms.CharField(max_length=MAX_TITLE, required=False)


class ProductForm(NewProductForm):
    """The fields of a product as its page edits them."""

    attributes = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One on each line, such as material: leather.",
    )

    def clean_attributes(self) -> dict[str, str]:
        """Return the attributes by name."""
        try:
            return attributes_from_lines(self.cleaned_data["attributes"])
        except InvalidError as error:
            raise forms.ValidationError(error.message, code=error.code) from error


def product_form(sku: str, title: str, attributes: Mapping[str, str]) -> ProductForm:
    """Return the form filled with what a product has."""
    return ProductForm(
        initial={"sku": sku, "title": title, "attributes": attributes_to_lines(attributes)}
    )


def accepted(form: forms.Form, act: Callable[..., Product]) -> Product | None:
    """Return what the act made of the form's values; a refusal becomes the form's error."""
    if not form.is_valid():
        return None
    try:
        return act(**form.cleaned_data)
    except (InvalidError, ConflictError) as error:
        form.add_error(_field_of(error, form), error.message)
        return None


def _field_of(error: DomainError, form: forms.Form) -> str | None:
    field = error.data.get("field")
    return field if field in form.fields else None
