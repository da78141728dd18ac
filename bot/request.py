"""How python-telegram-bot reaches the Bot API: its `BaseRequest` on aiohttp, several times cheaper than the default.

Only a connection that could not be made is tried again here: then nothing was sent, for certain. Whatever fails later may
have been carried out, and whether to repeat it is the caller's policy.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Mapping
from typing import IO, Any

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

# The library's documented way to have waits as `timedelta`, which all its versions will give.
os.environ.setdefault("PTB_TIMEDELTA", "1")

CONNECT_PAUSES = (0.1, 0.5)
"""Seconds before the second and third attempt to connect."""


class NotConnected(NetworkError):
    """The server could not be reached: the request was not sent."""


class AiohttpRequest(BaseRequest):
    """A keep-alive pool of connections to one Bot API server.

    Args:
        connections_max: open at once.
        connect_seconds, read_seconds: limits for a call; `upload_seconds` is added where files are sent.
        proxy: http(s):// or socks5://; credentials may be in it.
    """

    def __init__(
        self,
        connections_max: int = 256,
        *,
        connect_seconds: float = 3.0,
        read_seconds: float = 5.0,
        upload_seconds: float = 20.0,
        proxy: str | None = None,
    ) -> None:
        self._connections_max = connections_max
        self._connect = connect_seconds
        self._read = read_seconds
        self._upload = upload_seconds
        self._socks = proxy if proxy and proxy.startswith("socks") else None
        self._proxy = proxy if proxy and not self._socks else None
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """Seconds without data after which an answer is given up."""
        return self._read

    async def initialize(self) -> None:
        """Opens the pool."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                headers={"User-Agent": self.USER_AGENT},
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("Accept", "Accept-Encoding"),
            )

    def _connector(self) -> aiohttp.BaseConnector:
        # Idle connections go after 20 s, well before a server would close them under a request being written.
        how: dict[str, Any] = {"limit": self._connections_max, "ttl_dns_cache": 300, "keepalive_timeout": 20.0}
        if self._socks:
            from aiohttp_socks import ProxyConnector

            return ProxyConnector.from_url(self._socks, **how)
        return aiohttp.TCPConnector(**how)

    async def shutdown(self) -> None:
        """Closes the pool."""
        if self._session is not None:
            await self._session.close()

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One call; status and body.

        Raises:
            NotConnected: nothing was sent. TimedOut, NetworkError: it may have been carried out.
        """
        if self._session is None or self._session.closed:
            raise RuntimeError("this request object is not initialised")
        read = self._read if read_timeout is BaseRequest.DEFAULT_NONE else read_timeout
        connect = self._connect if connect_timeout is BaseRequest.DEFAULT_NONE else connect_timeout
        uploads = request_data is not None and request_data.contains_files
        if uploads and read is not None:
            read += self._upload
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)
        for pause in (*CONNECT_PAUSES, None):
            try:
                body, headers = _body(request_data)
                async with self._session.request(
                    method, url, data=body, headers=headers, timeout=timeout, proxy=self._proxy
                ) as answer:
                    return answer.status, await answer.read()
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
                if pause is None:
                    raise NotConnected(f"cannot connect: {type(error).__name__}") from error
                await asyncio.sleep(pause)
            except TimeoutError as error:
                raise TimedOut from error
            except aiohttp.ClientError as error:
                # The text may hold the address, and the address holds the token.
                raise NetworkError(f"connection failed: {type(error).__name__}") from None
        raise AssertionError("unreachable")


_JSON = {"Content-Type": "application/json"}


def _body(request_data: RequestData | None) -> tuple[Any, dict[str, str] | None]:
    if request_data is None:
        return None, None
    if not request_data.contains_files:
        return request_data.json_payload, _JSON
    return _multipart(request_data.json_parameters, request_data.multipart_data)


def _multipart(
    values: Mapping[str, str], files: Mapping[str, tuple[str, bytes | IO[bytes], str]]
) -> tuple[bytes, dict[str, str]]:
    """multipart/form-data in one piece: the library's writer takes many times longer, and sends each part on its own."""
    boundary = secrets.token_hex(16)
    parts = []
    for name, value in values.items():
        parts.append(f'Content-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}'.encode())
    for name, (file_name, content, mime) in files.items():
        head = f'Content-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(file_name)}"'
        read = content if isinstance(content, bytes) else content.read()
        parts.append(f"{head}\r\nContent-Type: {mime}\r\n\r\n".encode() + read)
    between = f"--{boundary}\r\n".encode()
    body = b"".join(between + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def _quoted(name: str) -> str:
    """A name inside of quotes in a part's header, as browsers write it."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def compact(value: object) -> str:
    """JSON as short as it gets."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
