"""Makes `import funasr` quick: a module of FunASR is imported when its class is asked for.

FunASR imports all of its 430 modules, and registers the classes in them by name. That takes half of
the time of importing the engine and loading the demo models (docs/performance.md). With the import
hook of this module, `import funasr` imports none of them. A class that the configuration of a model
names is found in an index of the source files, and only its module is imported; if it is not in the
index, all are.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = "funasr"
_REGISTRATION = re.compile(r'^@tables\.register\(\s*"(\w+)",\s*"([^"]+)"', re.MULTILINE)

_REPLACING = (
    "funasr.models.conformer_rwkv.model",
    "funasr.models.e_paraformer.decoder",
    "funasr.models.llm_asr_nar.adaptor",
    "funasr.models.sa_asr.transformer_decoder",
)
"""Modules of FunASR 1.4.16 whose classes replace those of the same name in other modules, when all
modules are imported: the last registration counts."""

Index = dict[str, dict[str, list[str]]]
"""Names of the modules that register a class, by table and by the name of the class."""


def install() -> None:
    """Install the import hook, unless it is installed or FunASR is imported already."""
    if _PACKAGE not in sys.modules and not any(isinstance(one, _Hook) for one in sys.meta_path):
        sys.meta_path.insert(0, _Hook())


class _Hook(MetaPathFinder):
    """Loads FunASR with another loader, once."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the package with our loader; None for every other module."""
        if name != _PACKAGE:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            spec.loader = _QuickLoader(spec.loader)
        return spec


class _QuickLoader(Loader):
    """Executes the package without the import of its modules."""

    def __init__(self, usual: Loader) -> None:
        self._usual = usual

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module as usual."""
        return self._usual.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute the package; replace its registries."""
        assert module.__spec__  # noqa: S101 - set by the import system
        module.__spec__.loader = module.__loader__ = self._usual
        walk, pkgutil.walk_packages = pkgutil.walk_packages, lambda *_, **__: iter(())
        try:
            self._usual.exec_module(module)
        finally:
            pkgutil.walk_packages = walk
        tables: Any = importlib.import_module(f"{_PACKAGE}.register").tables
        for table, modules in _read_index(Path(module.__path__[0])).items():
            setattr(tables, table, Registry(modules, getattr(tables, table, {})))


def _read_index(directory: Path) -> Index:
    index: Index = {}
    for path in sorted(directory.rglob("*.py")):
        module = ".".join((_PACKAGE, *path.relative_to(directory).with_suffix("").parts))
        for table, name in _registrations(path):
            index.setdefault(table, {}).setdefault(name, []).append(
                module.removesuffix(".__init__")
            )
    return index


def _registrations(path: Path) -> Iterator[tuple[str, str]]:
    text = path.read_text(errors="replace")
    return ((match[1], match[2]) for match in _REGISTRATION.finditer(text))


class Registry(dict[str, Any]):
    """Classes by name; the module of a class is imported when the class is asked for."""

    def __init__(self, modules: dict[str, list[str]], registered: dict[str, Any]) -> None:
        """Create a registry.

        Args:
            modules: the modules that register each name.
            registered: classes that are registered already.
        """
        super().__init__(registered)
        self._modules = modules
        self._by_module: dict[tuple[str, str], Any] = {}
        self._others: dict[str, Any] = {}
        """Classes of modules that are not FunASR's: the code of a model with trust_remote_code."""

    def __setitem__(self, name: str, found: Any) -> None:
        """Register a class."""
        self._by_module[name, found.__module__] = found
        if not found.__module__.startswith(f"{_PACKAGE}."):
            self._others[name] = found
        super().__setitem__(name, found)

    def get(self, name: str | None, default: Any = None) -> Any:
        """The class of this name; the default if FunASR has none, or if the name is None."""
        if name is None:
            return default
        if name in self._others:
            return self._others[name]
        modules = self._modules.get(name, [])
        for module in modules:
            _import(module)
        chosen = next((one for one in modules if one in _REPLACING), modules[-1] if modules else "")
        if (name, chosen) in self._by_module:
            return self._by_module[name, chosen]
        if name not in self:
            _import_all()
        return super().get(name, default)


def _import(module: str) -> None:
    """Import a module of FunASR; an error is recorded by FunASR, which names it to users."""
    try:
        importlib.import_module(module)
    except Exception as error:
        sys.modules[_PACKAGE]._record_import_error(module, error)


def _import_all() -> None:
    """Import all modules, as FunASR does."""
    sys.modules[_PACKAGE].import_submodules(_PACKAGE)
