"""Runs a small notebook through Debian's nbclient on our kernel and prints its outputs as JSON.

Usage: nbclient_cases.py KERNELSPEC_FOLDER many|raises|fails
"""
import json
import sys
import tempfile

import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError


class Manager(AsyncKernelManager):
    @property
    def kernel_spec(self):
        return KernelSpec.from_resource_dir(sys.argv[1])


def cells(name):
    if name == "many":
        return [('console.log("out %d"); display.html("html %d");\n%d' % (i, i, i), []) for i in range(200)]
    if name == "raises":
        return [
            ('console.log("before")', []),
            ('throw new RangeError("on purpose")', ["raises-exception"]),
            ('console.log("after"); 1 + 2', []),
        ]
    return [('throw new RangeError("unexpected")', []), ("1", [])]


def text(output):
    if output.output_type == "stream":
        return output.text
    if output.output_type == "error":
        return "%s: %s" % (output.ename, output.evalue)
    data = output.data
    return data.get("text/html") or data.get("text/plain")


notebook = nbformat.v4.new_notebook()
for source, tags in cells(sys.argv[2]):
    cell = nbformat.v4.new_code_cell(source)
    if tags:
        cell.metadata.tags = tags
    notebook.cells.append(cell)
error = None
client = NotebookClient(notebook, timeout=60, kernel_name="convbook", resources={"metadata": {"path": tempfile.mkdtemp()}})
client.kernel_manager_class = Manager
try:
    client.execute()
except CellExecutionError as failure:
    error = str(failure)
outputs = [[{"type": o.output_type, "text": text(o)} for o in cell.outputs] for cell in notebook.cells]
print(json.dumps({"outputs": outputs, "error": error}))
