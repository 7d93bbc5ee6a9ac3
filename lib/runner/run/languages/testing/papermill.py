"""Writes papermill.json: what papermill's translators make of parameters in each language.

    python3 papermill.py FOLDER

FOLDER is where papermill's package is (the folder that holds papermill/translators.py). Of it only the translators are
loaded, so that its dependencies need not be installed. The values are those of papermill's own tests, and others of their kinds.
"""
import importlib.util
import json
import pathlib
import sys
import types

PARAMETERS = [
    {"foo": "bar"},
    {"foo": '{"foo": "bar"}'},
    {"foo": {"foo": "bar"}},
    {"foo": {"foo": '"bar"'}},
    {"foo": {"foo": ["bar"]}},
    {"foo": {"foo": {"bar": "baz"}}},
    {"foo": {"foo": {"bar": '"baz"'}}},
    {"foo": {"b": 1, "a": {"10": True, "2": None}}},
    {"foo": {}},
    {"foo": ["foo"]},
    {"foo": ["foo", '"bar"']},
    {"foo": [{"foo": "bar"}]},
    {"foo": [{"foo": '"bar"'}]},
    {"foo": [1, 2.5, [True, None], []]},
    {"foo": 12345},
    {"foo": -54321},
    {"foo": 1.2345},
    {"foo": -5432.1},
    {"foo": 1.0},
    {"foo": -0.0},
    {"foo": 1e-05},
    {"foo": 2147483647},
    {"foo": -2147483648},
    {"foo": 2147483648},
    {"foo": -2147483649},
    {"foo": 9223372036854775807},
    {"foo": True},
    {"foo": False},
    {"foo": None},
    {"foo": "a\\b\tc\nd\re'f"},
    {"foo": 'C:\\users\\"name"'},
    {"foo": ""},
    {"foo": "bar", "baz": ["buz"]},
]
NAMES = {"R": [{"___foo": 5}, {"_a_b": "x"}]}
# Only Python's translator knows of these; what the others write no language understands.
SPECIAL = [{"foo": float("nan")}, {"foo": float("inf")}, {"foo": [float("-inf")]}]
LANGUAGES = {"python": "PythonTranslator", "R": "RTranslator", "julia": "JuliaTranslator", "scala": "ScalaTranslator"}


def load_translators(folder):
    package = types.ModuleType("papermill")
    package.__path__ = [str(folder / "papermill")]
    sys.modules["papermill"] = package
    # Black would lay the lines out anew.
    sys.modules["black"] = None
    for name in ("exceptions", "models"):
        stub = types.ModuleType(f"papermill.{name}")
        stub.PapermillException = Exception
        stub.Parameter = dict
        sys.modules[f"papermill.{name}"] = stub
    spec = importlib.util.spec_from_file_location("papermill.translators", folder / "papermill" / "translators.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


translators = load_translators(pathlib.Path(sys.argv[1]))
cases = []
for language, translator in LANGUAGES.items():
    own = PARAMETERS + NAMES.get(language, []) + (SPECIAL if language == "python" else [])
    for parameters in own:
        code = getattr(translators, translator).codify(parameters)
        # As text: JavaScript's JSON would forget that 1.0 is a float.
        cases.append([language, json.dumps(parameters), code])
path = pathlib.Path(__file__).with_name("papermill.json")
path.write_text("[\n" + ",\n".join("  " + json.dumps(case) for case in cases) + "\n]\n")
