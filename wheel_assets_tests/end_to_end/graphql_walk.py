"""Every question that a GraphQL server can be asked, down to a depth, made from what it tells of itself."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }"
SCHEMA = f"""{{ __schema {{ queryType {{ name }} types {{ name kind possibleTypes {{ name }}
  fields {{ name type {{ {TYPE} }} args {{ name defaultValue type {{ {TYPE} }} }} }} }} }} }}"""
LEAVES = ("SCALAR", "ENUM")
Tree = dict[str, Any]  # what is asked of an object, by alias or type condition; None for a leaf


class Walk:
    """Asks `url` for everything; `known` has a value for input types, and so for the fields that need one."""

    def __init__(self, url: str, known: Mapping[str, Any], depth: int = 2) -> None:
        self.url, self.known, self.depth = url, known, depth
        schema = self._post(SCHEMA, {})["data"]["__schema"]
        self.types = {each["name"]: each for each in schema["types"]}
        self.root = self.types[schema["queryType"]["name"]]

    def answers(self) -> Iterator[tuple[str, str]]:
        """The name of each root field that can be asked, and the whole text of its answer."""
        for field in self.root["fields"]:
            if (given := self._given(field)) is not None:
                yield field["name"], self._ask(field, given)

    def _given(self, field: Mapping[str, Any]) -> dict[str, tuple[str, Any]] | None:
        """Type and value of every argument that a field has to have; None where one is not known."""
        needed = {arg["name"]: arg["type"] for arg in field["args"] if _is_required(arg)}
        if any(_named(type_) not in self.known for type_ in needed.values()):
            return None
        # A single value is taken for a list of one.
        return {name: (_spelt(type_), self.known[_named(type_)]) for name, type_ in needed.items()}

    def _ask(self, field: Mapping[str, Any], given: Mapping[str, tuple[str, Any]]) -> str:
        """Ask, and ask again without what cannot be answered; all that was said, errors too."""
        name = _named(field["type"])
        tree = self._selection(name, self.depth, frozenset([name]))
        declared = ", ".join(f"${arg}: {type_}" for arg, (type_, _) in given.items())
        passed = ", ".join(f"{arg}: ${arg}" for arg in given)
        call = f"{field['name']}({passed})" if given else field["name"]
        said = ""
        for _ in range(40):
            query = f"query{f'({declared})' if given else ''} {{ {call} {_text(tree)} }}"
            told = self._post(query, {arg: value for arg, (_, value) in given.items()})
            said += json.dumps(told)
            unanswered = [[part for part in error["path"] if isinstance(part, str)] for error in told.get("errors", ())]
            if not unanswered or any(len(path) == 1 for path in unanswered):
                return said
            for _, *path in unanswered:
                _drop(tree, path)
        raise AssertionError(f"{field['name']} cannot be asked: {told['errors'][0]['message']}")

    def _selection(self, name: str, depth: int, above: frozenset[str]) -> Tree | None:
        """All fields of a type that need no argument; no type within itself. None for a type without fields."""
        type_ = self.types[name]
        if type_["kind"] in LEAVES:
            return None
        if type_["kind"] in ("UNION", "INTERFACE"):
            kinds = [possible["name"] for possible in type_["possibleTypes"]]
            return {f"... on {kind}": self._selection(kind, depth, above) for kind in kinds}
        tree: Tree = {}
        for field in type_["fields"] or ():
            inner = _named(field["type"])
            if any(_is_required(arg) for arg in field["args"]):
                continue
            alias = f"{name}_{field['name']}: {field['name']}"  # unions may have one name for two types
            if self.types[inner]["kind"] in LEAVES or (depth and inner not in above):
                tree[alias] = self._selection(inner, depth - 1, above | {inner})
        return tree

    def _post(self, query: str, variables: Mapping[str, Any]) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:  # an answer in part has the status 500
            with error:
                return json.load(error)


def _named(type_: Mapping[str, Any]) -> str:
    """The name below lists and non-nulls."""
    while type_["kind"] in ("LIST", "NON_NULL"):
        type_ = type_["ofType"]
    return type_["name"]


def _is_required(arg: Mapping[str, Any]) -> bool:
    return arg["type"]["kind"] == "NON_NULL" and arg["defaultValue"] is None


def _spelt(type_: Mapping[str, Any]) -> str:
    if type_["kind"] == "NON_NULL":
        return f"{_spelt(type_['ofType'])}!"
    return f"[{_spelt(type_['ofType'])}]" if type_["kind"] == "LIST" else str(type_["name"])


def _text(tree: Tree | None) -> str:
    if tree is None:
        return ""
    return f"{{ __typename {' '.join(f'{name} {_text(inner)}' for name, inner in tree.items())} }}"


def _drop(tree: Tree, aliases: list[str]) -> None:
    """Leave out the field at the end of a path of aliases, under whatever type condition it stands."""
    for name in list(tree):
        if name.startswith("... on "):
            _drop(tree[name], aliases)
        elif name.split(":")[0] == aliases[0]:
            if len(aliases) == 1:
                del tree[name]
            else:
                _drop(tree[name], aliases[1:])
