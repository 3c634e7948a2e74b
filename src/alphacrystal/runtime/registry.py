"""Registries of plug-ins: built-in ones from the modules of a package, others from entry points."""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Generic, Protocol, TypeVar

from alphacrystal.errors import AlphaCrystalError, InputError


class Spec(Protocol):
    """The description of a plug-in."""

    @property
    def name(self) -> str:
        """Name on the command line and in files."""
        ...


S = TypeVar("S", bound=Spec)


def require_package(package: str, extra: str, user: str, error: type[AlphaCrystalError] = InputError) -> None:
    """Refuse a plug-in or a method whose package is not installed.

    Args:
        package: Name of the module to import.
        extra: Extra of this package that installs it.
        user: Begins the message, e.g. "Bayesian relaxation".
        error: Raised.

    Raises:
        InputError: Names the package and the extra.
    """
    if find_spec(package) is None:
        raise error(f"{user} needs the package {package}: pip install 'alphacrystal[{extra}]'.")


class Registry(Generic[S]):
    """Plug-ins of one sort by name.

    A built-in plug-in is one module of ``package`` that calls `add` when it is imported; the modules are
    imported at the first use. A plug-in of another package is an entry point of ``group``. ``more`` gives
    further ones, which the user registered.

    Attributes:
        noun: Noun for a plug-in in messages, e.g. "generator".
        package: Package whose modules hold the built-in plug-ins.
        group: Entry-point group of other packages.
    """

    def __init__(
        self,
        noun: str,
        package: str,
        group: str,
        wrap: Callable[[str, object], S],
        error: type[AlphaCrystalError] = InputError,
        more: Callable[[], Mapping[str, Callable[[], object]]] = dict,
    ) -> None:
        """Create an empty registry.

        Args:
            noun: See the class.
            package: See the class.
            group: See the class.
            wrap: Turns the object of an entry point into a spec; called with the entry point's name.
            error: Raised for unknown names and for packages that cannot be imported.
            more: Returns functions that import further plug-ins, by name. Built-in ones and entry points of
                the same name come first.
        """
        self.noun, self.package, self.group = noun, package, group
        self._wrap, self._error, self._more = wrap, error, more
        self._specs: dict[str, S] = {}
        self._searched: set[str] = set()  # imported modules
        self._modules: dict[str, str] = {}  # module by name of its plug-in

    def add(self, spec: S) -> S:
        """Register a plug-in; a later one replaces an earlier one of the same name."""
        self._specs[spec.name] = spec
        return spec

    def remove(self, name: str) -> None:
        """Remove a built-in plug-in; its module is imported again at the next use if it still exists."""
        self._specs.pop(name)
        module = self._modules.pop(name, None)
        if module is not None:
            self._searched.discard(module)
            sys.modules.pop(module, None)

    def built_in(self) -> list[S]:
        """Specs of the modules in ``package``, by name."""
        self._import_modules()
        return sorted(self._specs.values(), key=lambda spec: spec.name)

    def names(self) -> list[str]:
        """All names, built-in and of other packages; modules of other packages are not imported."""
        return sorted(
            {spec.name for spec in self.built_in()}
            | {entry.name for entry in entry_points(group=self.group)}
            | self._more().keys()
        )

    def get(self, name: str) -> S:
        """The spec of a name.

        Raises:
            InputError: The name is unknown, or the other package cannot be imported.
        """
        self._import_modules()
        if name in self._specs:
            return self._specs[name]
        entry = next(iter(entry_points(group=self.group, name=name)), None)
        load = self._more().get(name) if entry is None else entry.load
        if load is None:
            raise self._error(
                f"There is no {self.noun} {name[:60]!r}: choose from {', '.join(self.names())}."
            )
        try:
            loaded = load()
        except AlphaCrystalError:
            raise
        except Exception as error:
            raise self._error(
                f"The {self.noun} {name} cannot be imported: {type(error).__name__} {error}".rstrip() + "."
            ) from error
        return self._specs[name] if name in self._specs else self._wrap(name, loaded)

    def _import_modules(self) -> None:
        for module in pkgutil.iter_modules(import_module(self.package).__path__, f"{self.package}."):
            if module.name not in self._searched:
                self._searched.add(module.name)
                before = set(self._specs)
                import_module(module.name)
                self._modules |= dict.fromkeys(set(self._specs) - before, module.name)
