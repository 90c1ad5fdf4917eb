"""Who belongs to a workspace."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from apps.accounts import queries, services
from apps.accounts.forms import InvitationForm, RoleForm, role_choices
from apps.core.errors import ConflictError, InvalidError
from apps.core.http import render_page
from apps.tenants.access import TenantRequest, workspace_view
from apps.tenants.roles import Permission


@require_GET
@workspace_view(Permission.VIEW)
def members(request: TenantRequest) -> HttpResponse:
    """List members and open invitations."""
    return _members_page(request, InvitationForm(actor=request.actor))


@require_POST
@workspace_view(Permission.MANAGE_MEMBERS)
def invite_member(request: TenantRequest) -> HttpResponse:
    """Ask somebody to join by e-mail."""
    form = InvitationForm(request.POST, actor=request.actor)
    if form.is_valid():
        try:
            invitation = services.invite_member(
                actor=request.actor, email=form.cleaned_data["email"], role=form.chosen_role()
            )
        except ConflictError as error:
            form.add_error("email", error.message)
        else:
            messages.success(request, f"Invitation sent to {invitation.email}.")
            return redirect("accounts:members", request.workspace.slug)
    return _members_page(request, form, status=422)


@require_POST
@workspace_view(Permission.MANAGE_MEMBERS)
def change_role(request: TenantRequest, membership_id: int) -> HttpResponse:
    """Give a member another role."""
    form = RoleForm(request.POST, actor=request.actor)
    if not form.is_valid():
        raise InvalidError("accounts.role_unknown", "Choose one of the roles that you may give.")
    membership = services.change_role(
        actor=request.actor, membership_id=membership_id, role=form.chosen_role()
    )
    messages.success(request, f"{membership.user.get_full_name()} is now {membership.role}.")
    return redirect("accounts:members", request.workspace.slug)


@require_POST
@workspace_view(Permission.MANAGE_MEMBERS)
def remove_member(request: TenantRequest, membership_id: int) -> HttpResponse:
    """Take a member out of the workspace."""
    services.remove_member(actor=request.actor, membership_id=membership_id)
    messages.success(request, "Removed from the workspace.")
    return redirect("accounts:members", request.workspace.slug)


@require_POST
@workspace_view(Permission.VIEW)
def leave_workspace(request: TenantRequest) -> HttpResponse:
    """Take oneself out of the workspace."""
    services.leave_workspace(actor=request.actor)
    messages.success(request, f"You have left {request.workspace.name}.")
    return redirect("tenants:home")


@require_POST
@workspace_view(Permission.MANAGE_MEMBERS)
def resend_invitation(request: TenantRequest, invitation_id: str) -> HttpResponse:
    """Send a fresh link."""
    invitation = services.resend_invitation(actor=request.actor, invitation_id=invitation_id)
    messages.success(request, f"A new link is on its way to {invitation.email}.")
    return redirect("accounts:members", request.workspace.slug)


@require_POST
@workspace_view(Permission.MANAGE_MEMBERS)
def revoke_invitation(request: TenantRequest, invitation_id: str) -> HttpResponse:
    """Make an invitation's link stop working."""
    services.revoke_invitation(actor=request.actor, invitation_id=invitation_id)
    messages.success(request, "Invitation revoked. Its link does not work any more.")
    return redirect("accounts:members", request.workspace.slug)


def _members_page(
    request: TenantRequest, form: InvitationForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "page": queries.members_page(request.actor),
        "form": form,
        "roles": role_choices(request.actor),
    }
    return render_page(request, "accounts/members.html", context, status=status)
