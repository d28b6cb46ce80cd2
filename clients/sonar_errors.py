"""The one table of Sonar's errors: what an HTTP answer means, as a type that says what to do.

Facts from the API's own documentation and from public clients: over the limit is `{"error": "Request limit of ..."}`
with status 429 or 200; a bad token is a 200 with `{"error": "Unauthenticated."}`; a failed field is a 200 with
`errors`, perhaps beside partial data; a proxy in front answers with HTML.
"""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from clients.retry_after import retry_after
from clients.sonar_answers import Into
from plumbing.errors import Action, DependencyRefused, DependencyUnreachable, ExitCode, SyncError


class SonarUnreachable(DependencyUnreachable):
    """Sonar does not answer, or something in front of it does. Nothing of the answer was used."""

    code = "sonar.unreachable"


class SonarTimeout(SonarUnreachable):
    """Sonar took longer than the deadline; the next attempt asks for fewer rows."""

    code = "sonar.timeout"


class SonarFailed(SonarUnreachable):
    """Sonar, or what stands in front of it, failed (HTTP 5xx); where many rows were asked for, fewer are tried next."""

    code = "sonar.failed"


class SonarQuiet(DependencyUnreachable):
    """These are hours in which Sonar is not to be asked (`sonar.quiet_hours`). Nothing was asked."""

    code = "sonar.quiet"
    exit_code = ExitCode.TRY_LATER
    remedy = "Wait until they are over: a capture that follows goes on by itself. Or change sonar.quiet_hours."


class SonarLimited(DependencyUnreachable):
    """Sonar's request limit is spent. `retry_after` is what it asked us to wait, in seconds."""

    code = "sonar.limited"
    remedy = "Lower sonar.requests_per_minute, or give capture a user of its own in Sonar."

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SonarUnauthenticated(DependencyRefused):
    """Sonar does not know the token."""

    code = "sonar.unauthenticated"
    remedy = "Make a personal access token for a Sonar user with read permissions and set sonar.token."


class SonarGraphqlError(SyncError):
    """Sonar answered with `errors`, so nothing of the answer is used, whatever data came beside them."""

    code = "sonar.graphql_error"
    action = Action.RETRY
    remedy = "See what the field is, and whether the token's role may read it (crossfade doctor)."

    def __init__(
        self,
        message: str,
        paths: tuple[str, ...] = (),
        *,
        about_counting: bool = False,
        internal: bool = False,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.paths = paths
        self.about_counting = about_counting
        """The error text is of the kind that collections give which cannot answer `page_info`."""
        self.internal = internal
        """Sonar says that it failed, which is no word on what was asked for."""


class SonarForbidden(SonarGraphqlError):
    """The token's role may not read something that was asked for. What it is stays unread: not read is not empty."""

    code = "sonar.forbidden"
    action = Action.HALT
    exit_code = ExitCode.USAGE
    remedy = (
        "Give the role of the token's user the right to read it again (crossfade doctor names what is not readable, and"
        " what of Splynx hangs on it); capture goes on with it by itself. To go on without, name the aggregate in"
        " sonar.leave_out."
    )


class SonarQueryInvalid(SonarGraphqlError):
    """Sonar's schema does not know what was asked: it changed since it was introspected."""

    code = "sonar.query_invalid"
    action = Action.HALT
    remedy = "Start capture again: it reads Sonar's schema anew, and says what is no longer there."


class SonarFileMissing(SyncError):
    """Sonar tells of a file and does not have its bytes."""

    code = "sonar.file_missing"
    action = Action.DEAD_LETTER
    remedy = "Look the file up in Sonar: it was deleted, or its bytes were never stored."


class SonarFileTooLong(SyncError):
    """A file has more bytes than Sonar tells of it, and nothing of it was kept."""

    code = "sonar.file_too_long"
    action = Action.DEAD_LETTER
    remedy = "Look the file up in Sonar; when it was replaced meanwhile, fetch it again."


class IncompletePage(SyncError):
    """A page has fewer rows than it promised, or empty places. It is read again whole."""

    code = "sonar.incomplete_page"
    action = Action.RETRY
    remedy = "Nothing: it is read again. When it lasts, lower sonar.page_size."


UNSERVED = (SonarGraphqlError, SonarFailed, SonarTimeout, IncompletePage)
"""How a Sonar that is there does not give what was asked for, after several attempts: perhaps this alone."""
_FORBIDDEN = ("not authorized", "unauthorized", "forbidden", "permission", "access denied")
"""Words of Laravel's and Lighthouse's refusals, on which Sonar's API is built; in lower case."""
_INTERNAL = "internal server error"
"""What graphql-php, on which Lighthouse is built, says in place of a failure's own text. A refusal keeps its text."""


def data_of(
    status: int, headers: Mapping[str, str], body: bytes, into: Into | None = None
) -> Mapping[str, Any] | SyncError:
    """The data of a whole answer without errors, or what went wrong. `into`: reads its rows into a layout of their own.

    Never quotes the body: it may hold personal data.
    """
    if into is not None and status == 200 and (found := _whole(body, into)) is not None:
        return found
    if status == 429:
        return SonarLimited("Sonar's request limit is reached", retry_after(headers))
    document = _json(body)
    if isinstance(document, dict) and isinstance(document.get("error"), str):
        return _named(document["error"], headers)
    if status in (401, 403):
        return SonarUnauthenticated(f"Sonar refused the token (HTTP {status})")
    if status >= 500:
        wait = retry_after(headers)
        if wait is not None:
            return SonarLimited(f"Sonar is not available (HTTP {status})", wait)
        return SonarFailed(f"Sonar failed (HTTP {status})")
    if status >= 400:
        return DependencyRefused(
            f"Sonar refused the request (HTTP {status})", remedy="Check sonar.url: the address of the ISP's Sonar."
        )
    if not isinstance(document, dict):
        return SonarUnreachable("Sonar's answer is not JSON: a proxy's page, or cut off")
    if document.get("errors"):
        return _graphql_error(document["errors"])
    data = document.get("data")
    if not isinstance(data, dict):
        return SonarUnreachable("Sonar's answer holds no data")
    return data if into is None else IncompletePage("an answer came in another shape than was asked for")


def server_time(headers: Mapping[str, str]) -> datetime:
    """Sonar's clock as an answer tells it: a server that has one always does (RFC 9110, section 6.6.1).

    Raises:
        SonarUnreachable: it does not, or without a time zone. Our own clock is no stand-in: where it is ahead, looks
            for changes would begin after what they are to find.
    """
    try:
        told = parsedate_to_datetime(headers["Date"])
    except (KeyError, ValueError, OverflowError):
        told = None
    if told is None or told.tzinfo is None:
        raise SonarUnreachable(
            "Sonar's answer came without a usable Date header: the time by Sonar's clock, without which no change can"
            " be looked for",
            remedy="See what stands between Crossfade and Sonar: a proxy that removes or rewrites the header Date has"
            " to let it pass as Sonar sends it.",
        )
    return told


def _whole(body: bytes, into: Into) -> Mapping[str, Any] | None:
    """The data of an answer that has nothing but data, in the shape that was asked for."""
    try:
        answer = into.decode(body)
    except msgspec.DecodeError:
        return None
    return None if answer.errors or answer.error is not None else answer.data


def file_error(status: int, headers: Mapping[str, str], content_type: str, head: bytes) -> SyncError | None:
    """What went wrong with a download, by its status and the first bytes of its body; None: they are the file's."""
    if status == 404:
        return SonarFileMissing("Sonar does not have the bytes of a file that it tells of")
    document = _json(head) if content_type == "application/json" else None
    if status == 200 and not (isinstance(document, dict) and document.keys() == {"error"}):
        return None
    found = data_of(status, headers, head)
    return found if isinstance(found, SyncError) else SonarUnreachable("Sonar's answer is no file")


def _named(error: str, headers: Mapping[str, str]) -> SyncError:
    text = error.lower()
    if "limit" in text:
        return SonarLimited("Sonar's request limit is reached", retry_after(headers))
    if "unauthenticated" in text or "unauthorized" in text or "token" in text:
        return SonarUnauthenticated("Sonar refused the token")
    return SonarUnreachable("Sonar answered with an error of its own")


def _graphql_error(errors: Any) -> SonarGraphqlError:
    messages = [str(one.get("message", "")) for one in errors if isinstance(one, dict)]
    paths = tuple(
        ".".join(str(part) for part in one["path"]) for one in errors if isinstance(one, dict) and one.get("path")
    )
    # Validation errors speak about the document, which is ours; all others may quote a value and are not repeated.
    invalid = [message for message in messages if message.startswith(("Cannot query field", "Unknown "))]
    if invalid:
        return SonarQueryInvalid(f"Sonar's schema does not fit the query: {invalid[0][:200]}", paths)
    if any(word in message.lower() for message in messages for word in _FORBIDDEN):
        where = f": {paths[0]}" if paths else ""
        return SonarForbidden(f"the token may not read all that was asked for{where}", paths)
    counting = any("aggregat" in message.lower() or "does not exist" in message.lower() for message in messages)
    internal = any(message.lower().startswith(_INTERNAL) for message in messages)
    where = f" at {paths[0]}" if paths else ""
    return SonarGraphqlError(
        f"Sonar answered with {len(messages)} errors{where}", paths, about_counting=counting, internal=internal
    )


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)  # without a second copy of it all: an introspection has 7 MB
    except msgspec.DecodeError:
        return None
