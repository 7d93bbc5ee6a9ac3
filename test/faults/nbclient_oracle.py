"""Runs the notebooks of a folder through nbclient and writes what became of each to results.json.

Usage: python3 nbclient_oracle.py FOLDER. The folder has *.ipynb and options.json: name -> {"timeout", "allowErrors"}.
"""
import asyncio
import json
import pathlib
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

folder = pathlib.Path(sys.argv[1])
options = json.loads((folder / "options.json").read_text())


async def run(path, gate):
    async with gate:
        own = options.get(path.name, {})
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook,
            timeout=own.get("timeout"),
            allow_errors=own.get("allowErrors", False),
            resources={"metadata": {"path": str(folder)}},
        )
        status = "passed"
        try:
            await client.async_execute()
        except CellTimeoutError:
            status = "timed-out"
        except DeadKernelError:
            status = "kernel-died"
        except CellExecutionError:
            status = "failed"
        except Exception as error:
            status = type(error).__name__
        # The text as nbformat writes it: what nbconvert would have saved.
        return path.name, {"status": status, "text": nbformat.writes(notebook)}


async def main():
    gate = asyncio.Semaphore(2)
    results = await asyncio.gather(*(run(path, gate) for path in sorted(folder.glob("*.ipynb"))))
    (folder / "results.json").write_text(json.dumps(dict(results)))


asyncio.run(main())
