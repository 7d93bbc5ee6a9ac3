"""What nbgrader makes of cells of our own: metadata upgraded or refused, regions taken out, cells locked, checksums.

    python3 nbgrader_oracle.py NBGRADER > nbgrader.json

NBGRADER is a copy of nbgrader's repository (0.9.x). Its package is not installed: only the modules that need no database are loaded.
Needs nbformat, nbconvert, jsonschema, tornado.
"""
import copy
import importlib
import json
import os
import sys
import types

root = os.path.join(sys.argv[1], "nbgrader")
for name, place in [("nbgrader", root), ("nbgrader.preprocessors", os.path.join(root, "preprocessors"))]:
    module = types.ModuleType(name)
    module.__path__ = [place]
    sys.modules[name] = module

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell  # noqa: E402

base = importlib.import_module("nbgrader.preprocessors.base")
sys.modules["nbgrader.preprocessors"].NbGraderPreprocessor = base.NbGraderPreprocessor
fmt = importlib.import_module("nbgrader.nbgraderformat")
utils = importlib.import_module("nbgrader.utils")


def preprocessor(module, name):
    made = getattr(importlib.import_module("nbgrader.preprocessors." + module), name)()
    made.enabled = True
    return made


new_cell = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}


def cell_of(cell_type, source, metadata):
    cell = new_cell[cell_type](source=source)
    if metadata is not None:
        cell.metadata["nbgrader"] = copy.deepcopy(metadata)
    # nbformat's own NotebookNode: what a file gives.
    return __import__("nbformat").from_dict(cell)


graded = {"schema_version": 3, "grade": True, "solution": False, "locked": True, "task": False, "grade_id": "t", "points": 2}
answer = {"schema_version": 3, "grade": False, "solution": True, "locked": False, "task": False, "grade_id": "s"}
manual = {**graded, "solution": True, "locked": False}
locked = {**answer, "solution": False, "locked": True}
task = {**locked, "task": True, "points": 2}


def without(metadata, *keys):
    return {key: value for key, value in metadata.items() if key not in keys}


metadata_cases = [
    ("code", graded), ("code", answer), ("code", manual), ("code", locked), ("code", task),
    ("markdown", graded), ("markdown", answer), ("markdown", manual), ("markdown", locked), ("markdown", task),
    ("raw", locked), ("raw", graded),
    ("code", without(graded, "points")), ("code", without(graded, "grade_id")), ("code", {**graded, "grade_id": ""}),
    ("code", {**graded, "grade_id": "no spaces"}), ("code", {**graded, "points": -1}), ("code", {**graded, "points": "2"}),
    ("code", without(graded, "locked")), ("code", {**graded, "grade": "yes"}), ("code", {**graded, "checksum": "short"}),
    ("code", {**graded, "cell_type": "heading"}), ("code", {**graded, "cell_type": "markdown"}), ("code", {**graded, "extra": 1}),
    ("code", {"schema_version": 3, "grade": False, "solution": False, "locked": False, "grade_id": "", "points": 0.0}),
    ("code", {**graded, "schema_version": 4}), ("code", {**graded, "schema_version": 10}),
    ("code", {**graded, "schema_version": 2}), ("code", {**graded, "schema_version": 1, "checksum": "a" * 32}),
    ("markdown", {**without(manual, "task"), "schema_version": 1, "checksum": "b" * 32, "cell_type": "code"}),
    ("code", {**without(graded, "schema_version", "task", "locked"), "points": "1.5"}),
    ("code", {**without(graded, "schema_version"), "points": ""}), ("code", {**without(graded, "schema_version"), "points": -3}),
    ("code", without(graded, "schema_version", "points")), ("code", {"solution": True, "grade_id": "s", "points": 3}),
    ("code", {"grade": False, "solution": False, "grade_id": "x"}), ("code", {"locked": True, "grade_id": "x"}),
    ("code", {"grade": True, "points": 1}), ("code", None), ("code", {}),
]


def upgraded(cell_type, metadata):
    cell = cell_of(cell_type, "x = 1", metadata)
    validator = fmt.MetadataValidator()
    try:
        cell = validator.upgrade_cell_metadata(cell)
        validator.validate_nb(new_notebook(cells=[cell]))
    except Exception as error:
        return {"error": type(error).__name__}
    return {"metadata": cell.metadata.get("nbgrader")}


sources = [
    "x = 1", "", "x = 1\n", "é ü 漢字 \U0001f600", "a\r\nb",
]
points = [0, 1, 2.5, 0.1, 1e-4, 1e-5, 1.5e-7, 123456789, 1e15, 1e16, 1.25e22, 1 / 3]
checksum_cases = [("code", source, graded) for source in sources]
checksum_cases += [("code", "x", {**graded, "points": value}) for value in points]
checksum_cases += [(kind, "y", meta) for kind, meta in [
    ("code", answer), ("code", manual), ("code", locked), ("markdown", manual), ("markdown", locked), ("markdown", task),
    ("raw", locked), ("code", {**answer, "locked": True}), ("code", {**graded, "locked": False})]]

release_cases = [
    ("python", "code", answer, "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n"),
    ("python", "code", answer, "x = 1\n# BEGIN SOLUTION\ny = 2\n# END SOLUTION\nz = 3\n\t# BEGIN SOLUTION\n\tw = 4\n\t# END SOLUTION"),
    ("python", "code", answer, "the whole cell = 'a solution'"),
    ("python", "code", manual, "whole"),
    ("python", "markdown", manual, "The answer is 42."),
    ("python", "markdown", manual, "Say why.\n\n### BEGIN SOLUTION\nBecause.\n### END SOLUTION\n"),
    ("python", "code", graded, "assert f(1) == 1\n### BEGIN HIDDEN TESTS\nassert f(2) == 2\n### END HIDDEN TESTS"),
    ("python", "code", graded, "### BEGIN HIDDEN TESTS\nassert f(2) == 2\n### END HIDDEN TESTS\nassert f(1) == 1\n"),
    ("python", "code", graded, "assert f(1) == 1"),
    ("python", "code", locked, "import math"),
    ("python", "markdown", locked, "# Read this"),
    ("python", "markdown", task, "Do it.\n=== BEGIN MARK SCHEME ===\nOne point each.\n=== END MARK SCHEME ===\n"),
    ("python", "code", None, "free = True"),
    ("python", "code", answer, "# BEGIN SOLUTION\n# BEGIN SOLUTION\n# END SOLUTION"),
    ("python", "code", answer, "# BEGIN SOLUTION\nx"),
    ("python", "code", None, "# BEGIN SOLUTION\nx\n# END SOLUTION"),
    ("python", "code", answer, "# BEGIN HIDDEN TESTS\nx\n# END HIDDEN TESTS"),
    ("python", "code", graded, "# BEGIN HIDDEN TESTS\nx"),
    ("python", "markdown", manual, "a\n### BEGIN MARK SCHEME\nx\n### END MARK SCHEME"),
    ("python", "markdown", task, "### BEGIN MARK SCHEME\n![x](attachment:x.png)\n### END MARK SCHEME"),
    ("python", "code", manual, "def f():\n    ### BEGIN SOLUTION\n    1\n    ### END SOLUTION\n### BEGIN HIDDEN TESTS\nassert 1\n### END HIDDEN TESTS"),
    ("R", "code", answer, "f <- function(x) {\n  # BEGIN SOLUTION\n  x\n  # END SOLUTION\n}"),
    ("matlab", "code", answer, "x = 1"), ("octave", "code", answer, "x = 1"), ("sas", "code", answer, "x"), ("java", "code", answer, "x"),
    ("cobol", "code", answer, "x"),
]


def released(language, cell_type, metadata, source):
    nb = new_notebook(cells=[cell_of(cell_type, source, metadata)])
    nb.metadata["kernelspec"] = {"name": language, "language": language, "display_name": language}
    try:
        # The order of nbgrader's GenerateAssignment, without what needs its database.
        for module, name in [
            ("lockcells", "LockCells"), ("clearsolutions", "ClearSolutions"), ("clearoutput", "ClearOutput"),
            ("checkcellmetadata", "CheckCellMetadata"), ("computechecksums", "ComputeChecksums"),
            ("clearhiddentests", "ClearHiddenTests"), ("clearmarkingscheme", "ClearMarkScheme"),
            ("computechecksums", "ComputeChecksums"), ("checkcellmetadata", "CheckCellMetadata"),
        ]:
            step = preprocessor(module, name)
            step.log.disabled = True
            nb, _ = step.preprocess(nb, {})
    except Exception as error:
        return {"error": type(error).__name__}
    cell = nb.cells[0]
    return {"source": cell.source, "metadata": cell.metadata}


if __name__ == "__main__":
    result = {
        "nbgrader": importlib.import_module("nbgrader._version").__version__,
        "metadata": [{"cellType": kind, "given": meta, **upgraded(kind, meta)} for kind, meta in metadata_cases],
        "checksums": [
            {"cellType": kind, "source": source, "metadata": meta,
             "checksum": utils.compute_checksum(cell_of(kind, source, meta))}
            for kind, source, meta in checksum_cases],
        "release": [
            {"language": language, "cellType": kind, "given": meta, "text": source, **released(language, kind, meta, source)}
            for language, kind, meta, source in release_cases],
    }
    json.dump(result, sys.stdout, indent=1, sort_keys=True)
    print()
