"""Forms of the tenants app."""

from __future__ import annotations

from django import forms


class WorkspaceForm(forms.Form):
    """What a workspace is called."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )
