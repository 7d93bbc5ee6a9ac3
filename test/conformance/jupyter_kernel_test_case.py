"""Debian's jupyter_kernel_test against our kernel, every sample filled in.

Usage: jupyter_kernel_test_case.py KERNELSPEC_FOLDER
"""
import os
import shutil
import sys
import tempfile
import unittest

DATA = tempfile.mkdtemp()
SPEC = os.path.abspath(sys.argv.pop(1))
os.environ["JUPYTER_DATA_DIR"] = DATA
os.environ["CONVBOOK_HISTORY"] = os.path.join(DATA, "history.jsonl")
folder = os.path.join(DATA, "kernels", "convbook")
shutil.copytree(SPEC, folder)
with open(os.path.join(folder, "kernel.json")) as spec:
    text = spec.read().replace("{resource_dir}", SPEC)
with open(os.path.join(folder, "kernel.json"), "w") as spec:
    spec.write(text)

import jupyter_kernel_test  # noqa: E402  (the environment must be set before)


class ConvbookKernelTests(jupyter_kernel_test.KernelTests):
    kernel_name = "convbook"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = 'console.log("hello, world")'
    code_stderr = 'console.error("to stderr")'
    code_page_something = "Math.max?"
    code_generate_error = 'throw new Error("a test")'
    code_execute_result = [
        {"code": "1 + 2", "result": "3"},
        {"code": "[1, 2].map((n: number) => n * 2)", "result": "[ 2, 4 ]"},
        {"code": "await Promise.resolve('later')", "result": "'later'"},
    ]
    code_display_data = [
        {"code": 'display.html("<b>x</b>")', "mime": "text/html"},
        {"code": 'display.markdown("# x")', "mime": "text/markdown"},
        {"code": 'display.latex("$x$")', "mime": "text/latex"},
        {"code": 'display.svg("<svg/>")', "mime": "image/svg+xml"},
        {"code": 'display.png("AQID")', "mime": "image/png"},
        {"code": "display.json({ x: 1 })", "mime": "application/json"},
        {"code": "display.vegaLite({ mark: 'bar' })", "mime": "application/vnd.vegalite.v5+json"},
        {"code": "display.plotly({ data: [] })", "mime": "application/vnd.plotly.v1+json"},
        {"code": "display([{ a: 1 }])", "mime": "text/html"},
    ]
    completion_samples = [
        {"text": "Math.sq", "matches": {"sqrt"}},
        {"text": "console.lo", "matches": {"log"}},
    ]
    complete_code_samples = ["1", "const x = 1", "function f() {\n  return 1\n}", "`a\nb`"]
    incomplete_code_samples = ["function f() {", "const x = [", "if (true)", "`a", "/* a"]
    invalid_code_samples = ["x = ]", "const = 1", '"abc']
    code_inspect_sample = "console.log"
    code_history_pattern = "1*2*"
    supported_history_operations = ("tail", "range", "search")
    code_clear_output = "clearOutput()"


if __name__ == "__main__":
    try:
        unittest.main(verbosity=2)
    finally:
        shutil.rmtree(DATA, ignore_errors=True)
