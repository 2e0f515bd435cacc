"""Pages that are made once for each state of the tables: not sent again to who has them, nor made again for others."""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cache, wraps
from pathlib import Path
from threading import Lock

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import quote_etag

from leaderboard.services import headlines

PageView = Callable[..., HttpResponseBase]
# Of a process, compressed.
MOST_BYTES = 32 * 1024 * 1024
COMPRESSION = 6
# A view says so of a page that shows more than the tables, such as work that goes on.
NOT_KEPT = "no-store"


class Shelf:
    """The pages that were asked for last, compressed, up to a number of bytes."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        self._pages: OrderedDict[str, tuple[bytes, dict[str, str]]] = OrderedDict()
        self.size = 0

    def get(self, tag: str) -> tuple[bytes, dict[str, str]] | None:
        with self._lock:
            if tag in self._pages:
                self._pages.move_to_end(tag)
            return self._pages.get(tag)

    def put(self, tag: str, body: bytes, headers: dict[str, str]) -> None:
        with self._lock:
            if tag in self._pages:
                return
            self._pages[tag] = body, headers
            self.size += len(body)
            while self.size > self.most:
                _, (oldest, _) = self._pages.popitem(last=False)
                self.size -= len(oldest)


shelf = Shelf(MOST_BYTES)


def versioned(view: PageView) -> PageView:
    """Gives what a public page or file shows a tag, and answers 304 to who has it already; one query.

    The tag names the state of the tables, the address and this release. For pages that are the same for everyone.
    """

    @wraps(view)
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        tag = _tag(request)
        response = get_conditional_response(request, etag=tag)
        if response is None:
            response = _kept(request, tag) or _made(request, tag, view(request, *args, **kwargs))
        if response.status_code == 304:
            response["ETag"] = tag
        if NOT_KEPT in response.get("Cache-Control", ""):
            return response
        response["Cache-Control"] = "no-cache"  # to be asked for again each time, which is cheap
        patch_vary_headers(response, ["Accept-Encoding"])
        return response

    return answer


def _tag(request: HttpRequest) -> str:
    # The day, because citations name it.
    today = timezone.now().date().isoformat()
    parts = (headlines.current(), request.scheme, request.get_host(), request.get_full_path(), today, release())
    return quote_etag(hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32])


@cache
def release() -> str:
    """Tells this version of the program from others: by when its files were written."""
    digest = hashlib.sha256()
    for path in _sources():
        digest.update(f"{path} {path.stat().st_mtime_ns}".encode())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for folder, pattern in (
        ("leaderboard", "*.py"),
        ("runner/tasks", "*.py"),
        ("templates", "*.html"),
        ("static", "*"),
    ):
        yield from sorted(Path(settings.BASE_DIR, folder).rglob(pattern))


def _kept(request: HttpRequest, tag: str) -> HttpResponse | None:
    found = shelf.get(tag)
    return _packed(request, tag, *found) if found else None


def _made(request: HttpRequest, tag: str, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code != 200 or NOT_KEPT in response.get("Cache-Control", ""):
        return response
    if response.streaming:
        response["ETag"] = tag
        return response
    body = gzip.compress(response.content, COMPRESSION, mtime=0)
    headers = dict(response.items())
    shelf.put(tag, body, headers)
    return _packed(request, tag, body, headers)


def _packed(request: HttpRequest, tag: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
    if "gzip" not in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(gzip.decompress(body), headers=headers)
    else:
        response = HttpResponse(body, headers={**headers, "Content-Encoding": "gzip"})
    response["ETag"] = tag
    return response
