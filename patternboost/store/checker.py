"""A construction as a program that checks it: one Python file of the standard library alone, as people post them.

It holds the points and the problem's own definition: the source of `violation` and `judge` (of `plain`, where the
problem has one), with all that these need. Nothing of this package is imported by it.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from patternboost.problem import EDGES, F3, HYPERCUBE, Grid, Instance
from patternboost.problem.ground import BIPARTITE, CUBE, TORUS, sides, size_to_json

if TYPE_CHECKING:
    from patternboost.store.construction import Construction

#: plain values that may be copied into the file
_VALUES = (int, str, tuple, list, frozenset, set, bool)

_FRAME = '''"""Checks {title}.

{definition}

Run: python {file}
It needs nothing but Python 3.9 or later, and says VALID or what is wrong.
"""

from __future__ import annotations

{imports}

N = {n}
SCORE = {score}
POINTS = [
{points}
]


def on_the_ground_set(p):
    """Whether p is one of the points that may be chosen."""
    return {ground}


{functions}


def faults():
    """What is wrong, a line each."""
    if len(set(POINTS)) < len(POINTS):
        yield "a point is there twice"
    outside = [p for p in POINTS if not on_the_ground_set(p)]
    if outside:
        yield f"{{outside[0]}} is not on the ground set"
        return
{checks}

if __name__ == "__main__":
    wrong = list(faults())
    print("\\n".join(wrong) or {told})
    sys.exit(bool(wrong))
'''


def program(construction: Construction) -> str:
    """The program. Raises ValueError, in one line, where the definition needs more than the standard library."""
    instance, problem = construction.instance, construction.instance.problem
    functions = [f for f in (problem.plain or problem.violation, problem.objective and problem.objective.judge) if f]
    source = _Source(instance)
    for function in functions:
        source.add(function)
    if problem.smallest_maximal:
        if not isinstance(problem.ground, Grid):
            raise ValueError(f"{instance}: no checker for smallest maximal sets of other ground sets than the grid")
        source.imports.add("from itertools import product")
    title = f"{problem.counted(construction.score)} for {instance}"
    points = textwrap.fill(
        ", ".join(map(str, construction.points)), 100, initial_indent="    ", subsequent_indent="    "
    )
    return _FRAME.format(
        title=_quoted(title),
        definition=_quoted(textwrap.fill(problem.definition, 100)),
        file=f"{construction.name}-checker.py",
        imports="\n".join(sorted({"import sys", *source.imports})),
        n=repr(size_to_json(instance.n)),
        score=construction.score,
        points=points + ("," if construction.points else ""),
        ground=_ground(instance),
        functions="\n\n\n".join(source.parts),
        checks=_checks(instance),
        told=repr(f"VALID: {title}"),
    )


def _quoted(text: str) -> str:
    """Text that may stand between three quotes."""
    return text.replace("\\", "\\\\").replace('"', "'")


class _Source:
    """The sources of functions and of all that they need, in an order in which they can stand in a file."""

    def __init__(self, instance: Instance) -> None:
        self._what = str(instance)
        self.imports: set[str] = set()
        self.parts: list[str] = []
        self._seen: set[str] = set()

    def add(self, function: Callable[..., Any]) -> None:
        """A function, after what it needs."""
        inner = inspect.unwrap(function)
        self._seen.add(inner.__name__)
        text = textwrap.dedent(inspect.getsource(inner)).rstrip()
        known = dict(inner.__globals__) | dict(inspect.getclosurevars(inner).nonlocals)
        for name in sorted(_names(text)):
            if name in known and name not in self._seen:
                self._seen.add(name)
                self._need(name, known[name], inner.__module__)
        self.parts.append(text)

    def _need(self, name: str, value: Any, module: str) -> None:
        home = own = ""
        if isinstance(value, ModuleType):
            home = value.__name__
        elif inspect.isclass(value) or inspect.isroutine(value):
            home, own = value.__module__ or "", value.__name__
        if home.partition(".")[0].lstrip("_") in sys.stdlib_module_names and home.partition(".")[0] != "builtins":
            home = home.lstrip("_")
            if own:
                self.imports.add(f"from {home} import {own}" + (f" as {name}" if own != name else ""))
            else:
                self.imports.add(f"import {home}" + (f" as {name}" if home != name else ""))
        elif inspect.isfunction(inspect.unwrap(value)) and inspect.unwrap(value).__module__ == module:
            self.add(value)
        elif isinstance(value, _VALUES):
            self.parts.append(f"{name} = {value!r}")
        else:
            raise ValueError(f"{self._what}: no checker: its definition needs {name}, which is not in Python itself")


def _names(text: str) -> set[str]:
    """The names that a function's code and decorators use; those of annotations aside."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in (*node.args.args, *node.args.kwonlyargs):
                argument.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _ground(instance: Instance) -> str:
    """Whether p is on the ground set, as an expression."""
    ground = instance.problem.ground
    if ground is CUBE:
        return "len(p) == 3 and all(0 <= x < N for x in p)"
    if ground is F3:
        return "len(p) == N and all(x in (0, 1, 2) for x in p)"
    if ground is EDGES:
        return "len(p) == 2 and 0 <= p[0] < p[1] < N"
    if ground is HYPERCUBE:
        return 'len(p) == 2 and 0 <= p[0] < p[1] < 2**N and bin(p[0] ^ p[1]).count("1") == 1'
    if isinstance(ground, Grid) or ground in (TORUS, BIPARTITE):
        height, width = sides(instance.n)
        return f"len(p) == 2 and 0 <= p[0] < {height} and 0 <= p[1] < {width}"
    raise ValueError(f"{instance}: no checker: its ground set is none of ours")


def _checks(instance: Instance) -> str:
    """The rest of `faults`."""
    problem, lines = instance.problem, []
    forbids = problem.plain or problem.violation
    if forbids is not None:
        takes_n = len(inspect.signature(forbids).parameters) == 2
        call = f"{forbids.__name__}({'N, ' if takes_n else ''}%s)"
        lines += [
            f"found = {call % 'POINTS'}",
            "if found is not None:",
            '    yield f"forbidden: {found}"',
            "    return",
        ]
        if problem.smallest_maximal:
            height, width = sides(instance.n)
            lines += [
                f"for p in sorted(set(product(range({height}), range({width}))) - set(POINTS)):",
                f"    if {call % 'POINTS + [p]'} is None:",
                '        yield f"{p} may be added"',
                "        return",
            ]
    if problem.objective is None:
        lines += ["value = len(POINTS)"]
    else:
        judge = problem.objective.judge
        lines += [f"value = {judge.__name__}({'N, ' if problem.objective.judge_takes_n else ''}POINTS)"]
    lines += ["if value != SCORE:", '    yield f"the score is {value}, not {SCORE}"']
    return textwrap.indent("\n".join(lines), "    ") + "\n"
