"""A reverse proxy: the service has a path of its host for itself, which the proxy takes away."""

import re

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

_ITS_OWN = {"host", "connection", "content-length", "accept-encoding"}


def behind(httpserver: HTTPServer, prefix: str, url: str) -> str:
    """The address of the service that listens at `url`, behind a proxy that gives it this path."""
    path = prefix.rstrip("/")
    matching = re.compile(f"{re.escape(path)}/.*")
    httpserver.expect_request(matching).respond_with_handler(lambda asked: _passed_on(asked, path, url))
    return httpserver.url_for(prefix)


def _passed_on(asked: Request, path: str, url: str) -> Response:
    headers = {name: value for name, value in asked.headers.items() if name.lower() not in _ITS_OWN}
    there = f"{url}{asked.path.removeprefix(path)}?{asked.query_string.decode()}"
    answer = requests.request(asked.method, there, data=asked.get_data(), headers=headers, timeout=60)
    return Response(answer.content, answer.status_code, {"Content-Type": answer.headers["Content-Type"]})
