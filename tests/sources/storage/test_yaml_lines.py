from __future__ import annotations

from pathlib import Path

import pytest

from barograph.sources.storage.yaml_lines import plain_lines, settings_with_values

SETTINGS = """version: 1
beta:
  desc: null
  value: 0.1
'lr':
  value: 5.0e-07
peft:
  value:
    r: 8
    value: 9
text:
  value: |
    value: 3
none:
  value: {}
"""


@pytest.mark.parametrize("indent", ["  ", "    "])
def test_settings_with_values(tmp_path: Path, indent: str) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(SETTINGS.replace("  ", indent))
    assert settings_with_values(file) == {"beta": 0.1, "lr": 5e-07, "text": None, "none": None}


def test_plain_lines(tmp_path: Path) -> None:
    file = tmp_path / "meta.yaml"
    file.write_text("run_id: a1\nname: 'my: run'\ntags: []\nnothing:\n  run_id: b2\n- list: 1\n# note: x\n")
    assert plain_lines(file) == {"run_id": "a1", "name": "my: run", "tags": None}


def test_a_link_to_somewhere_else_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "secret.yaml").write_text("run_id: a1\n")
    (tmp_path / "run" / "meta.yaml").symlink_to(tmp_path / "secret.yaml")
    assert plain_lines(tmp_path / "run" / "meta.yaml") == {}
