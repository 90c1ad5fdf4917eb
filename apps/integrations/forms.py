"""Forms of the integrations app."""

from __future__ import annotations

from django import forms

from apps.integrations.scopes import Scope


class ApiKeyForm(forms.Form):
    """A new API key: what it is for and what it may do."""

    name = forms.CharField(max_length=80, label="Name", help_text="Where the key is used.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, scope.value) for scope in Scope],
        initial=[scope.value for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        label="Scopes",
    )


class ExportForm(forms.Form):
    """What to download: a shoot's approved renders or some of them."""

    shoot = forms.CharField(required=False, max_length=40)
    renders = forms.CharField(required=False, widget=forms.HiddenInput)
    """Ids separated by commas."""

    def render_ids(self) -> list[str]:
        """Return the ids that were named."""
        return [part for part in self.cleaned_data["renders"].split(",") if part]
