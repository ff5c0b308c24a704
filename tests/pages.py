"""Pages as tests read them."""

import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """A page's elements, attributes and embedded data."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.data: Any = None
        self.text = ""
        self._json = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._json = dict(attrs).get("type") == "application/json"

    def handle_endtag(self, tag: str) -> None:
        self._json = False

    def handle_data(self, data: str) -> None:
        if self._json:
            self.data = json.loads(data)
        self.text += data
