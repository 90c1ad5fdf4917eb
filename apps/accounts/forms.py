"""Forms of the accounts app."""

from __future__ import annotations

from typing import Any

from allauth.core import context
from django import forms
from django.http import HttpRequest

from apps.accounts import pending
from apps.accounts.rules import ROLE_WORDS, assignable_roles
from apps.tenants.roles import Actor, Role


class SignupForm(forms.Form):
    """The fields sign-up asks for beside email and password; allauth's own form inherits it."""

    field_order = ("name", "email", "password1", "workspace_name")

    name = forms.CharField(
        label="Your name",
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    workspace_name = forms.CharField(
        label="Workspace",
        max_length=120,
        help_text="Your shop or studio. You can invite colleagues into it.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request: HttpRequest = context.request
        self.invitation = pending.open_invitation(request.session)
        if self.invitation is not None:
            # The workspace is there already, and the invitation holds for one address.
            del self.fields["workspace_name"]
            self.initial["email"] = self.invitation.email
            self.fields["email"].widget.attrs["readonly"] = True

    def clean(self) -> dict[str, Any]:
        """Hold an invited person to the address that was invited."""
        cleaned = super().clean() or {}
        email = (cleaned.get("email") or "").lower()
        if self.invitation is not None and email and email != self.invitation.email:
            self.add_error("email", f"This invitation is for {self.invitation.email}.")
        if "workspace_name" in cleaned and not cleaned["workspace_name"].split():
            self.add_error("workspace_name", "Give the workspace a name.")
        return cleaned

    def signup(self, request: HttpRequest, user: object) -> None:
        """Do nothing more: `AccountAdapter.save_user` has done it in one transaction."""


class ProfileForm(forms.Form):
    """What colleagues see of a person."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        required=False,
        help_text="Shown to the members of your workspaces. Without one they see your email.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class RoleForm(forms.Form):
    """A role that the actor may give."""

    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["role"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [
                (role.value, role.value.capitalize()) for role in assignable_roles(actor)
            ]

    def chosen_role(self) -> Role:
        """Return the role of a valid form."""
        return Role(self.cleaned_data["role"])


class InvitationForm(RoleForm):
    """Whom to ask, and as what."""

    field_order = ("email", "role")

    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(
            attrs={"autocomplete": "off", "placeholder": "colleague@example.com"}
        ),
    )

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, actor=actor, **kwargs)
        self.fields["role"].initial = Role.PRODUCER.value


def role_choices(actor: Actor) -> list[tuple[str, str]]:
    """Return the roles that the actor may give, each with what it means."""
    return [(role.value, ROLE_WORDS[role]) for role in assignable_roles(actor)]
