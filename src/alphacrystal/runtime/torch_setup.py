"""How processes use torch: a cheaper import in those of this package, one thread for small tensors."""

from __future__ import annotations

import gc
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from alphacrystal.runtime.interrupts import interrupts_held

#: Kernels for tensors without data, which torch.compile and torch.export need. torch imports them, with
#: many reference implementations: 40 % of the processor time of ``import torch`` (torch 2.13).
_DEFERRED = "torch._meta_registrations"

#: Objects allocated between two garbage collections. Imports allocate millions of objects that stay, and with
#: Python's 700 the collector takes 20 % of their processor time.
_COLLECTION_THRESHOLD = 50_000


#: Modules that need the deferred one: it is imported before the first of them.
_NEEDED_BY = (
    "torch._decomp",
    "torch._dynamo",
    "torch._inductor",
    "torch._prims",
    "torch._refs",
    "torch._subclasses.fake_impls",
    "torch.utils._content_store",
)


def reduce_import_time() -> None:
    """Make the imports of this process cheaper; call it before torch is imported.

    Only for processes of this package: in a process of the user, torch is imported as a whole.
    """
    gc.set_threshold(_COLLECTION_THRESHOLD, 20, 50)
    if "torch" not in sys.modules:
        sys.meta_path.insert(0, _TorchFinder())


class _TorchFinder(MetaPathFinder):
    """Wraps the loader of torch, and imports the deferred module when a module needs it."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == "torch":
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(fullname)
            if spec is not None and spec.loader is not None:
                spec.loader = _TorchLoader(spec.loader, self)
            return spec
        if fullname == _DEFERRED or fullname in _NEEDED_BY:
            sys.meta_path.remove(self)
        return ModuleSpec(fullname, _DeferredFirst()) if fullname in _NEEDED_BY else None


class _DeferredFirst(Loader):
    """Imports the deferred module before the module that needs it."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        del sys.modules[module.__name__]
        importlib.import_module(_DEFERRED)
        importlib.import_module(module.__name__)  # the import statement returns the entry of sys.modules


class _TorchLoader(Loader):
    """Loads torch with an empty module in the place of the deferred one.

    Args:
        loader: The loader of torch.
        finder: Placed before other finders once torch is loaded.
    """

    def __init__(self, loader: Loader, finder: MetaPathFinder) -> None:
        self._loader, self._finder = loader, finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        empty = sys.modules.setdefault(_DEFERRED, ModuleType(_DEFERRED))
        try:
            # C++ code of torch calls Python during the import; an exception of a signal handler there would
            # abort the process.
            with interrupts_held():
                self._loader.exec_module(module)
        finally:
            if sys.modules.get(_DEFERRED) is empty:
                del sys.modules[_DEFERRED]
            vars(module).pop(_DEFERRED.rpartition(".")[2], None)
        sys.meta_path.insert(0, self._finder)
        _complete_generator(module)


def _complete_generator(torch: Any) -> None:
    """Set the metaclass of random generators as the deferred module does; needed by torch 2.13."""
    try:
        torch.Generator()
    except RuntimeError:
        try:
            from torch._opaque_base import OpaqueBaseMeta

            torch._C._set_generator_metaclass(OpaqueBaseMeta)  # noqa: SLF001 - as torch does
            torch.Generator()
        except (ImportError, AttributeError, RuntimeError):
            importlib.import_module(_DEFERRED)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Run torch on one thread inside the block; also a decorator of functions.

    The networks compute thousands of small products. Two threads take about as long for each, and on a busy
    machine the threads wait for each other many times longer than they compute. With one thread the results
    do not depend on the number of processors either.
    """
    import torch

    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
