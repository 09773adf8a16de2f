"""What a report needs beyond the engine itself."""

import importlib.util

from engine.errors import InputError

PACKAGES = ("jinja2", "vl_convert")


def require_packages() -> None:
    """Refuse to begin a report without the packages that it needs.

    Raises:
        InputError: One of them is not installed.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"a report needs optional packages ({', '.join(missing)}); install them with "
            "pip install 'peso-engine[report]', or in the folder of PESO's source with "
            "pip install -c constraints.txt '.[report]'"
        )
