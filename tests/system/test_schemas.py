"""The schemas keep the rules of encoding that no compiler checks: the real ones pass, one broken on purpose does not."""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(os.environ["TP_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "tools"))

import lint_schemas  # noqa: E402


@pytest.fixture
def tree(tmp_path):
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    assert lint_schemas.check(tmp_path) == []
    return tmp_path


def problems_with(tree, name, pattern, replacement):
    path = tree / "schemas" / name
    text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.S)
    assert 1 == count
    path.write_text(text)
    return lint_schemas.check(tree)


@pytest.mark.parametrize("name,field", [("wire.xml", "regionUri"), ("wire.xml", "summary"), ("driver.xml", "errorMessage")])
def test_optional_var_data_are_found__W_068_D_068(tree, name, field):
    found = problems_with(tree, name, rf'<data name="{field}"', rf'<data presence="optional" name="{field}"')
    assert found and all("never optional" in problem for problem in found)


def test_an_optional_var_data_type_is_found__W_068(tree):
    found = problems_with(tree, "wire.xml", r'(name="varAsciiEncoding".*?<type name="length")', r'\1 presence="optional"')
    assert found and "never optional" in found[0]


def test_var_data_before_a_field_are_found__W_069(tree):
    field, data = r'(<field name="metaVersion" id="4" type="version_t"/>)', r'(<data name="name" id="5" type="varAsciiEncoding"/>)'
    found = problems_with(tree, "wire.xml", rf"{field}(\s*){data}", r"\3\2\1")
    assert any("fields, then groups, then var-data" in problem for problem in found)


def test_ids_of_schema_900_run_over_fields_first__W_069(tree):
    found = problems_with(tree, "wire.xml", r'name="watermark" id="5"', 'name="watermark" id="0"')
    assert any("W-069" in problem for problem in found)
