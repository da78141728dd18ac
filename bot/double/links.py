"""Links as Telegram accepts them: checked, and put into the form in which they come back."""

from __future__ import annotations

import re
from functools import lru_cache

SCHEME = re.compile(r"([^:/?#@\[\]]*)://")
USER_LINK = re.compile(r"tg:(?://)?user\?(?:.*&)?id=(\d+)", re.IGNORECASE)
CUSTOM_EMOJI_LINK = re.compile(r"tg:(?://)?emoji\?(?:.*&)?id=(\d+)", re.IGNORECASE)
HOST = re.compile(r"(?:[A-Za-z0-9.\-_!$,~*'();&+=]|%[0-9A-Fa-f]{2}|[^\x00-\x7f])+")
OWN_SCHEMES = ("tg:", "ton:", "tonsite:")


class BadLink(Exception):
    """Why a link is not one."""


def user_of(link: str) -> int | None:
    """The user id of a `tg://user?id=` link."""
    hit = USER_LINK.fullmatch(link)
    return int(hit[1]) if hit and int(hit[1]) else None


def custom_emoji_of(link: str) -> str | None:
    """The identifier of a `tg://emoji?id=` link."""
    hit = CUSTOM_EMOJI_LINK.fullmatch(link)
    return hit[1] if hit and int(hit[1]) else None


def checked(link: str) -> str:
    """The link in normal form, or empty when it is none."""
    try:
        return check(link)
    except BadLink:
        return ""


@lru_cache(maxsize=4096)
def check(link: str, *, https_only: bool = False) -> str:
    """The link in normal form: scheme and host in lower case, a path, blanks escaped.

    Raises:
        BadLink: with the reason, in Telegram's words.
    """
    own = next((scheme for scheme in OWN_SCHEMES if link.lower().startswith(scheme)), "")
    if own:
        if https_only:
            raise BadLink("Only HTTPS links are allowed")
        rest = link[len(own) :].removeprefix("//")
        _, _, host, _, query = _split(rest)
        if not re.fullmatch(r"[A-Za-z0-9_\-]+" if own != "tonsite:" else r"[A-Za-z0-9_.\-]+", host):
            raise BadLink("Unallowed characters in URL host")
        return f"{own}//{host}{query[1:] if query.startswith('/?') or query == '/' else query}"
    scheme, user, host, port, query = _split(link)
    if https_only and scheme != "https":
        raise BadLink("Only HTTPS links are allowed")
    if "." not in host and not host.startswith("["):
        raise BadLink("Wrong HTTP URL")
    return f"{scheme}://{user + '@' if user else ''}{host}{f':{port}' if port else ''}{query}"


def _split(link: str) -> tuple[str, str, str, int, str]:
    """Scheme, user, host, port (0: none given) and the rest, which begins with a slash."""
    hit = SCHEME.match(link)
    scheme = "http"
    if hit:
        scheme = hit[1].lower()
        if scheme not in {"http", "https"}:
            raise BadLink("Unsupported URL protocol")
        link = link[hit.end() :]
    cut = next((at for at, letter in enumerate(link) if letter in "/?#"), len(link))
    authority, query = link[:cut], link[cut:].rstrip() or "/"
    user, _, place = authority.rpartition("@")
    host, colon, port_text = place.rpartition(":")
    port = 0
    if not colon or port_text.endswith("]"):
        host = place
    else:
        port = int(port_text) if port_text.isascii() and port_text.isdigit() else -1
        if not 0 < port <= 65535:
            raise BadLink("Wrong port number specified in the URL")
    if not host:
        raise BadLink("URL host is empty")
    if host == ".":
        raise BadLink("Host is invalid")
    if not host.startswith("[") and not HOST.fullmatch(host):
        raise BadLink("Disallowed character in URL host")
    if not query.startswith("/"):
        query = "/" + query
    return scheme, user, host.lower(), port, re.sub(r"[\x00-\x20]", lambda blank: f"%{ord(blank[0]):02X}", query)
