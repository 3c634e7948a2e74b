"""Registry of benchmarks: each is a command of `alphacrystal benchmark`, registered by one decorator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from alphacrystal.typing import Progress

Result = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """The context of one run.

    Attributes:
        folder: Output folder; an interrupted run continues from the rows in it.
        progress: Callback for the progress display.
    """

    folder: Path
    progress: Progress


@dataclass(frozen=True, slots=True)
class Benchmark:
    """One registered benchmark.

    Attributes:
        name: Command name.
        title: Title of the results, e.g. for listings.
        page: Module with ``render(result) -> str``, which gives the Markdown page. It may also have
            ``draw(result, page, folder) -> str``, which writes figures and returns Markdown to append, and
            ``stored(result) -> dict``, the part of the result that is written next to the page.
        needs_data: Whether ``--data`` is required.
        quick: Options of a run that needs no data and takes at most a few minutes; None if there are none.
        compute: Function of the context and the options that returns the result.
    """

    name: str
    title: str
    page: str
    needs_data: bool
    quick: tuple[str, ...] | None
    compute: Callable[..., Result]

    def page_module(self) -> ModuleType:
        """Import the page module."""
        return import_module(f"alphacrystal_bench.{self.page}")


_registered: dict[str, Benchmark] = {}


def register(
    name: str, *, title: str, page: str, needs_data: bool = False, quick: tuple[str, ...] | None = None
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Register a function as a benchmark; its parameters after the context become command-line options.

    Raises:
        ValueError: The name is taken, or a benchmark that needs data is marked as quick.
    """
    if needs_data and quick is not None:
        raise ValueError(f"The benchmark {name!r} needs data, so it cannot be quick.")

    def decorate(compute: Callable[..., Result]) -> Callable[..., Result]:
        if name in _registered:
            raise ValueError(f"Two benchmarks are named {name!r}.")
        _registered[name] = Benchmark(name, title, page, needs_data, quick, compute)
        return compute

    return decorate


def benchmarks() -> Mapping[str, Benchmark]:
    """All benchmarks by name; the modules of `alphacrystal_bench.commands` register them."""
    commands = import_module("alphacrystal_bench.commands")
    for module in iter_modules(commands.__path__):
        if module.name != "app":
            import_module(f"{commands.__name__}.{module.name}")
    return dict(sorted(_registered.items()))
