"""What the examples of documents use of the package of this name, over the standard library.

They send no key where their own system wants none: LONGSHORE_API_KEY is added, as a session with a key would.
"""
import json as _json
import os
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen


class Response:
    def __init__(self, answer):
        self.status_code = answer.getcode()
        self.headers = answer.headers
        self.text = answer.read().decode()
        self.ok = self.status_code < 400

    def json(self):
        return _json.loads(self.text)

    def raise_for_status(self):
        if not self.ok:
            raise RuntimeError(f"{self.status_code}: {self.text}")


def request(method, url, params=None, json=None, headers=None):
    sent = {"Authorization": f"Bearer {os.environ['LONGSHORE_API_KEY']}", **(headers or {})}
    body = None
    if json is not None:
        body, sent["Content-Type"] = _json.dumps(json).encode(), "application/json"
    try:
        return Response(urlopen(Request(url + (f"?{urlencode(params)}" if params else ""), body, sent, method=method)))
    except HTTPError as refusal:
        return Response(refusal)


def get(url, **options):
    return request("GET", url, **options)


def post(url, **options):
    return request("POST", url, **options)


def put(url, **options):
    return request("PUT", url, **options)


def delete(url, **options):
    return request("DELETE", url, **options)
