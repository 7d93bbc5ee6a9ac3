/** Thirty notebooks, of Python, of TypeScript, and broken ones, that ours and nbclient are both given. */
import type { CellLike } from "./support.ts";

export interface NotebookCase {
  readonly kernel: "python3" | "convbook";
  readonly cells: readonly CellLike[];
  /** Seconds a cell. */
  readonly timeout?: number;
  readonly allowErrors?: boolean;
  /** Where ours must end otherwise than nbclient, and why. */
  readonly oursDiffers?: { readonly status: string; readonly why: string };
}

const raises = { tags: ["raises-exception"] };
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const python = (...cells: CellLike[]): NotebookCase => ({ kernel: "python3", cells });
const typescript = (...cells: CellLike[]): NotebookCase => ({ kernel: "convbook", cells });

export const thirtyNotebooks: Readonly<Record<string, NotebookCase>> = {
  "py-prints": python(
    "print('a')\nprint('b')",
    "import sys\nprint('out')\nprint('err', file=sys.stderr)\nprint('out again')",
  ),
  "py-results": python("1 + 1", "'text'", "[1, 2, 3]", "None", "x = 5", "x"),
  "py-rich": python(
    "from IPython.display import display, HTML, Markdown, SVG, JSON, Latex\ndisplay(HTML('<b>x</b>'))\ndisplay(Markdown('# y'))",
    "display(JSON({'a': [1, 2]}))\nLatex('$x$')",
    'SVG(\'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"></svg>\')',
  ),
  "py-image": python(`import base64\nfrom IPython.display import Image\nImage(data=base64.b64decode('${png}'))`),
  "py-update-display": python(
    "from IPython.display import display\nh = display('one', display_id=True)",
    "h.update('two')",
    "display('shown', display_id='k')\ndisplay('again', display_id='k')",
  ),
  "py-clear-output": python(
    "from IPython.display import clear_output\nprint('gone')\nclear_output()\nprint('stays')",
    "print('gone')\nclear_output(wait=True)\nprint('stays')",
    "print('stays')\nclear_output(wait=True)",
  ),
  "py-unicode": python("print('μ, 日本, 🎉')", "'naïve'", "print('a\\u2028b')"),
  "py-carriage-return": python("import sys\nfor i in range(3):\n    sys.stdout.write(f'\\r{i}')\nsys.stdout.flush()"),
  "py-colours": python("print('\\x1b[31mred\\x1b[0m')"),
  "py-error": python("print('before')", "1/0", "print('after')"),
  "py-error-in-function": python("def f(x):\n    return g(x)\ndef g(x):\n    raise KeyError(x)", "f('missing')"),
  "py-syntax-error": python("print('ok')", "def f(:\n  pass"),
  "py-raises-exception": python({ source: "raise ValueError('expected')", ...raises }, "print('goes on')"),
  "py-raises-nothing": {
    ...python({ source: "print('fine')", ...raises }, "print('goes on')"),
    oursDiffers: { status: "failed", why: "a cell that says it raises, and does not, is a failed test" },
  },
  "py-skip-execution": python("x = 1", { source: "x = 2", tags: ["skip-execution"] }, "print(x)"),
  "py-allow-errors": { ...python("1/0", "print('goes on')", "nope"), allowErrors: true },
  "py-empty-cells": python(
    "",
    "   \n",
    { source: "# text", type: "markdown" },
    { source: "raw", type: "raw" },
    "print(1)",
  ),
  "py-no-cells": python(),
  "py-magics": python("%%capture\nprint(1)", "%%bash\necho from bash", "!echo from a shell", "%who_ls"),
  "py-stdin": python("print('asks')", "input('name? ')"),
  "py-timeout": { ...python("print('starts', flush=True)", "import time\ntime.sleep(60)"), timeout: 1 },
  "py-kernel-exits": python(
    "print('before', flush=True)",
    "import os, time\ntime.sleep(0.3)\nos._exit(3)",
    "print('after')",
  ),
  "py-system-exit": {
    ...python("import sys\nsys.exit(0)", "print('after')"),
    oursDiffers: { status: "passed", why: "an exit with 0 is no fault, as papermill has it" },
  },
  "py-many-outputs": python(
    "for i in range(500):\n    print(i)",
    "from IPython.display import display\nfor i in range(50):\n    display(i)",
  ),
  "ts-prints": typescript("console.log('a');\nconsole.log('b');", "console.error('err'); console.log('out');"),
  "ts-results": typescript("1 + 1", "const x: number = 5;", "x * 2", "({ a: 1, b: [1, 2] })", "undefined"),
  "ts-await": typescript(
    "await new Promise((done) => setTimeout(done, 20)); 'later'",
    "const words = await Promise.all(['a', 'b']);\nwords.join(' ')",
  ),
  "ts-error": typescript("const before = 1;", "throw new RangeError('too far');", "console.log('after');"),
  "ts-raises-exception": typescript(
    { source: "throw new TypeError('expected');", ...raises },
    "console.log('goes on');",
  ),
  "ts-type-error": typescript("const n: number = 'text';", "console.log('after');"),
};
