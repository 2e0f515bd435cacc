"""Uploading predictions."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from django.http import HttpRequest
from ninja import File, Form, Router, Schema, Status
from ninja.files import UploadedFile
from pydantic import Field, StringConstraints

from leaderboard.api.errors import WRITING
from leaderboard.api.fields import LARGEST, NO_ZERO, Text
from leaderboard.api.security import WRITE, Bearer, permitted
from leaderboard.models import Token
from leaderboard.services import uploads as service
from leaderboard.services.uploads import SYSTEM_LENGTH
from runner.errors import RecipeError

router = Router(tags=["Uploads"])

# What a request may have around its file.
ENVELOPE = 1 << 20


class Sender(Bearer):
    """A token that may submit; what is too long is refused before any of it is read."""

    def authenticate(self, request: HttpRequest, token: str) -> Token:
        found = super().authenticate(request, token)
        if int(request.headers.get("Content-Length") or 0) > settings.UPLOAD_LIMIT * service.MIB + ENVELOPE:
            raise RecipeError(f"The file has more than {settings.UPLOAD_LIMIT} MiB: that is the most that is taken.")
        return found


class OfferIn(Schema):
    """What the sender says of the system that made the predictions; `corrects` is the run of an earlier upload."""

    system: Annotated[str, StringConstraints(min_length=1, max_length=SYSTEM_LENGTH, pattern=NO_ZERO)]
    note: Text = ""
    link: Annotated[str, StringConstraints(max_length=200, pattern=r"^(https?://[^\s\x00]+)?$")] = ""
    corrects: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


class ReceiptOut(Schema):
    """The run that the predictions became; `created` is false where they were there already."""

    run: int
    url: str
    created: bool


@router.post(
    "/uploads",
    response={200: ReceiptOut, 201: ReceiptOut, **WRITING},
    auth=Sender(),
    throttle=[WRITE],
    operation_id="upload",
)
def upload(
    request: HttpRequest,
    offer: Form[OfferIn],
    file: File[UploadedFile],
) -> Status:
    """Send a zip in XTREME's submission layout; it is checked and scored before the answer, in up to a minute."""
    user = permitted(request, "leaderboard.add_upload")
    receipt = service.receive(file.file, file.name or "upload.zip", service.Offer(**offer.dict()), user)
    url = request.build_absolute_uri(receipt.run.get_absolute_url())
    answer = {"run": receipt.run.pk, "url": url, "created": receipt.created}
    return Status(201 if receipt.created else 200, answer)
