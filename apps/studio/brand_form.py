"""The form of the brand kit's page. What a color or a logo may be is for `services.branding`."""

from __future__ import annotations

from typing import Any, ClassVar, TypedDict

from django import forms

from apps.core.errors import InvalidError
from apps.studio.queries.brand import font_choices


class BrandArguments(TypedDict):
    """The arguments of `keep_brand_kit`."""

    values: dict[str, str]
    logo: Any
    drops_logo: bool


class BrandKitForm(forms.Form):
    """Colors, fonts and logo."""

    COLORS: ClassVar = ("primary", "secondary", "text")
    FONTS: ClassVar = ("headline_font", "body_font")

    primary = forms.CharField(max_length=20, help_text="Fields and buttons")
    secondary = forms.CharField(max_length=20, help_text="Badges and prices")
    text = forms.CharField(max_length=20, help_text="Words on light ground")
    headline_font = forms.ChoiceField(label="Headline font")
    body_font = forms.ChoiceField(label="Body font", help_text="Everything but the headline")
    logo = forms.FileField(
        required=False,
        allow_empty_file=True,
        help_text="PNG or WebP with a transparent background, at most 5 MB",
        widget=forms.FileInput(attrs={"accept": "image/png,image/webp"}),
    )
    drops_logo = forms.BooleanField(required=False, label="Remove the present logo")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each.family, each.title) for each in font_choices()]
        for name in self.FONTS:
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices

    def arguments(self) -> BrandArguments:
        """Return what was filled in; only after it is valid."""
        file = self.cleaned_data["logo"]
        return BrandArguments(
            values={name: self.cleaned_data[name] for name in (*self.COLORS, *self.FONTS)},
            logo=file.chunks() if file else None,
            drops_logo=self.cleaned_data["drops_logo"],
        )

    def show(self, error: InvalidError) -> None:
        """Say at the right field why the service refused."""
        field = "logo" if error.code.startswith("brand.logo") else error.data.get("field")
        self.add_error(field, error.message)

    @property
    def colors(self) -> list[forms.BoundField]:
        """The color fields, in the order of the page."""
        return [self[name] for name in self.COLORS]
