"""What a build adds to the package: the chart library of the live page, taken from the wheel that carries it.

The file is neither kept in the repository nor asked of those who install barograph: it is copied when a wheel or an
editable install is made.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FOLDER = "src/barograph/web/static/vendor"
#: What is taken, and what it is called here.
FILES = {"uPlot.iife.js": "uPlot.js", "uPlot.min.css": "uPlot.css"}


class VendorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Copies uPlot (MIT, (c) Leon Sorokin) to where the page looks for it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":  # An archive of the sources is built again where it is unpacked.
            return
        spec = find_spec("uplot")  # Found, not imported: it would load a notebook's whole shell.
        if spec is None or not spec.submodule_search_locations:
            raise SystemExit("building barograph needs uplot-python, whose chart library the live page uses")
        folder = Path(self.root) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(Path(spec.submodule_search_locations[0]) / "static" / source, folder / name)
