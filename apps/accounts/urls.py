"""Addresses of the accounts app: one's own account, invitations, and a workspace's members."""

from django.urls import path

from apps.accounts import views

WORKSPACE = "w/<slug:slug>/"

app_name = "accounts"
urlpatterns = [
    path("accounts/theme/", views.theme, name="theme"),
    path("accounts/profile/", views.profile, name="profile"),
    path("accounts/one-time/<str:token>/", views.one_time_login, name="one-time-login"),
    path("workspaces/new/", views.new_workspace, name="new-workspace"),
    path("invitation/", views.invitation, name="invitation"),
    path("invitation/accept/", views.accept_invitation, name="accept-invitation"),
    path("invitation/<str:token>/", views.invitation_link, name="invitation-link"),
    path(f"{WORKSPACE}switcher/", views.switcher, name="switcher"),
    path(f"{WORKSPACE}members/", views.members, name="members"),
    path(f"{WORKSPACE}members/invite/", views.invite_member, name="invite-member"),
    path(f"{WORKSPACE}members/leave/", views.leave_workspace, name="leave-workspace"),
    path(f"{WORKSPACE}members/<int:membership_id>/role/", views.change_role, name="change-role"),
    path(
        f"{WORKSPACE}members/<int:membership_id>/remove/",
        views.remove_member,
        name="remove-member",
    ),
    path(
        f"{WORKSPACE}invitations/<str:invitation_id>/resend/",
        views.resend_invitation,
        name="resend-invitation",
    ),
    path(
        f"{WORKSPACE}invitations/<str:invitation_id>/revoke/",
        views.revoke_invitation,
        name="revoke-invitation",
    ),
]
