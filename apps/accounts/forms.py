"""Forms of the accounts app."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest


class SignupForm(forms.Form):
    """The fields sign-up asks for beside e-mail and password."""

    def signup(self, request: HttpRequest, user: object) -> None:
        """Nothing yet."""
