"""What a report needs beyond the engine itself."""

import importlib

from engine.errors import InputError

PACKAGES = ("jinja2", "vl_convert")


def require_packages() -> None:
    """Refuse to begin a report without the packages that it needs.

    Raises:
        InputError: One of them is not installed, or cannot be loaded.
    """
    missing, broken = [], []
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except ImportError as fault:
            if isinstance(fault, ModuleNotFoundError) and fault.name == name:
                missing.append(name)
            else:
                broken.append(f"{name} ({' '.join(str(fault).split())})")
    if missing:
        raise InputError(
            f"a report needs optional packages ({', '.join(missing)}); install them with "
            "pip install 'peso-engine[report]', or in the folder of PESO's source with "
            "pip install -c constraints.txt '.[report]'"
        )
    if broken:
        raise InputError(
            f"a report needs optional packages, and of those installed some cannot be loaded: {', '.join(broken)}; "
            "install them anew with pip install --force-reinstall 'peso-engine[report]'"
        )
