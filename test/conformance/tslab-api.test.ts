/** The interface that our kernel offers as "tslab", against tslab 1.0.22 itself. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CellOutcome, installTslab, type Outcomes, removeHome, runOnBoth } from "./tslab-kernel.ts";

const cells = {
  // As in https://github.com/yunabe/tslab-examples/blob/master/notebooks/getting_started.ipynb
  progress:
    'import * as tslab from "tslab";\n{ let display = tslab.newDisplay();\nfor (let p = 1; p <= 3; p++) display.text("progress: " + p); }',
  required: 'const required = require("tslab");\nconsole.log(required.display.html === undefined)',
  named: 'import { display, newDisplay } from "tslab";\ndisplay.html("<b>1</b>"); display.html("<b>2</b>");',
  two: 'newDisplay().text("one"); newDisplay().text("two");',
  every:
    'const bytes = Uint8Array.of(1, 2, 3);\nfor (const name of ["javascript", "html", "markdown", "latex", "svg", "text"] as const) tslab.display[name](name);\nfor (const name of ["png", "jpeg", "gif", "pdf"] as const) tslab.display[name](bytes);',
  raw: 'tslab.display.raw("application/x+json", {a: 1} as any); tslab.display.raw("image/png", Buffer.from([1, 2])); tslab.display.raw("text/x", "y");',
  versions:
    "console.log(Object.keys(tslab.versions).join(), tslab.versions.tslab, tslab.versions.node === process.version)",
  // tslab does not check strictly, nor is a notebook of it.
  loose: "{ let obj = {x: null};\nconsole.log(obj?.x?.z); }",
};

const tslab = await installTslab();

describe.runIf(tslab)("the tslab module", () => {
  let outcomes: Outcomes;
  let close = () => {};
  beforeAll(async () => {
    ({ outcomes, close } = await runOnBoth(tslab ?? "", Object.entries(cells)));
  });
  afterAll(() => {
    close();
    removeHome();
  });

  /** Displays' names are random: which of them are the same counts. */
  const comparable = ({ status, stdout, stderr, shown }: CellOutcome) => {
    const ids = [...new Set(shown.map(({ id }) => id))];
    return { status, stdout, stderr, shown: shown.map((one) => ({ ...one, id: one.id && ids.indexOf(one.id) })) };
  };

  it.each(Object.keys(cells))("does in a cell what tslab does: %s", (cell) => {
    const [ours, theirs] = [outcomes.ours.get(cell), outcomes.tslab.get(cell)] as [CellOutcome, CellOutcome];
    expect(ours.status).toBe("ok");
    expect(comparable(ours)).toEqual(comparable(theirs));
  });

  it("replaces what a display of its own showed", () => {
    const shown = outcomes.ours.get("progress")?.shown ?? [];
    expect(shown.map(({ type }) => type)).toEqual(["display_data", "update_display_data", "update_display_data"]);
    expect(new Set(shown.map(({ id }) => id)).size).toBe(1);
  });
});
