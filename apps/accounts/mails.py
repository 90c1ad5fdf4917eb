"""The mails of the accounts app, as text and HTML."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from apps.accounts import tokens
from apps.accounts.models import Invitation


def send_invitation_mail(invitation: Invitation) -> None:
    """Send the invitation to its address; the token exists in this mail only.

    Raises
    ------
    smtplib.SMTPException, OSError
        If the mail server cannot be reached; the queue then shows the job as failed.
    """
    token = tokens.invitation_token(invitation.pk, invitation.expires_at)
    context = {
        "invitation": invitation,
        "workspace": invitation.tenant,
        "url": f"{settings.BASE_URL}{reverse('accounts:invitation-link', args=[token])}",
    }
    mail = EmailMultiAlternatives(
        subject=" ".join(render_to_string("emails/invitation_subject.txt", context).split()),
        body=render_to_string("emails/invitation.txt", context),
        to=[invitation.email],
    )
    mail.attach_alternative(render_to_string("emails/invitation.html", context), "text/html")
    mail.send()
