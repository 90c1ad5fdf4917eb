"""All errors of the domain, by what the caller can do about them. Pure.

A code is dotted and stable, ``data`` is typed, and the message is one sentence that names the
next step. The mapping to a page, a partial or problem JSON happens once, in the middleware.

::

    DomainError
    ├── NotFoundError      404  missing, or another workspace's: both look the same
    ├── ForbiddenError     403  the role does not allow it
    ├── InvalidError       422  the input cannot be used; says which part and why
    ├── ConflictError      409  the thing has changed or is in another state
    ├── LimitError         402  a quota or balance is used up (429 for rates)
    └── UnavailableError   503  a needed service is away; try again
"""

from __future__ import annotations

from typing import Any, ClassVar


class DomainError(Exception):
    """Base of all errors that a person or a platform may be told about."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class NotFoundError(DomainError):
    """The thing does not exist in this workspace."""

    status = 404
    title = "Not found"


class ForbiddenError(DomainError):
    """The actor's role does not allow the action."""

    status = 403
    title = "Not allowed"


class InvalidError(DomainError):
    """The input cannot be used."""

    status = 422
    title = "Cannot be used"


class ConflictError(DomainError):
    """The thing is in a state that does not allow the action."""

    status = 409
    title = "Conflict"


class LimitError(DomainError):
    """A quota, balance or rate is used up."""

    status = 402
    title = "Limit reached"


class UnavailableError(DomainError):
    """A service that is needed for this is away."""

    status = 503
    title = "Unavailable"
