import { expect, it } from "vitest";
import type { Result } from "../results/index.ts";
import { failedCheck, fullResult, pixel, resultOf, task } from "../results/testing/results.ts";
import { feedbackPage } from "./feedback.ts";

it("shows points, checks, comments and plots", () => {
  const html = feedbackPage(fullResult(), "Ada Lovelace");
  expect(html).toContain("<title>Residual blocks: 6.5 of 12 points</title>");
  expect(html).toContain("Ada Lovelace");
  expect(html).toContain("Still to be given by a person: 1.");
  expect(html).toContain("<dt>What you gave</dt><dd><samp>0.731 at [0, 2, 1, 3]</samp></dd>");
  expect(html).toContain("<dt>Expected</dt><dd><samp>0.75 ± 0.00075</samp></dd>");
  expect(html).toContain("would cost &lt;in parameters&gt;.");
  expect(html).toContain("The cell &quot;tests-1&quot; is locked and was changed; it was restored.");
  expect(html).toContain('<img src="data:image/svg+xml;base64,');
  expect(html).toContain("<figcaption>Loss against steps: from 2.3 to 0.4 in 200 steps</figcaption>");
  expect(html).toContain(
    `<img src="data:image/png;base64,${pixel}" alt="Figure 2 of The residual block, made by your code">`,
  );
  // Every picture has words.
  expect(html.match(/<img /g)).toHaveLength(2);
  expect(html.match(/<img [^>]*alt="[^"]+"/g)).toHaveLength(2);
});

it("tells tasks of one name apart, and of which a finding is", () => {
  const locked = "The cell is locked, but its text was changed; it was restored.";
  const html = feedbackPage(
    resultOf("ada", [task("a", 1, 1, { title: "Sums" }), task("b", 0, 1, { title: "Sums" }), task("c", 1, 1)], {
      findings: [
        { kind: "changed", cell: "a", message: locked },
        { kind: "changed", cell: "b", message: locked },
        { kind: "changed", cell: "setup", message: locked },
        { kind: "limit", cell: null, message: "The kernel could not be started: it ended.\nIts last words:\nsecret" },
      ],
    }),
  );
  expect(html).toContain("<h2>Sums (1)</h2>");
  expect(html).toContain("<h2>Sums (2)</h2>");
  expect(html).toContain("<h2>c</h2>");
  expect(html).toContain(
    `<ul><li><strong>Sums (1), Sums (2), setup:</strong> ${locked}</li><li>The kernel could not be started: it ended.</li></ul>`,
  );
  expect(html).not.toContain("secret");
});

it("runs nothing and loads nothing, whatever names and messages hold", () => {
  const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>'\u202e\u0000`;
  const result = resultOf(
    evil,
    [
      task(evil, 0, 1, {
        title: evil,
        comment: evil,
        reasons: [{ ...failedCheck, name: evil, message: evil, got: evil, expected: evil }],
        figures: [
          { type: "image/png", data: `${pixel}" onerror="alert(3)` },
          { type: "text/html" as "image/png", data: "<b>" },
          { type: "image/svg+xml", data: "no drawing" },
          { type: "image/png", data: pixel, alt: evil },
        ],
      }),
    ],
    { assignment: evil, findings: [{ kind: "forged", cell: null, message: evil }] },
  );
  const html = feedbackPage({ ...result, provenance: { ...result.provenance, versions: { [evil]: evil } } } as Result);
  expect(html).not.toMatch(/<script|<img src=x|" onerror/);
  expect(html).not.toContain("\u202e");
  expect(html).not.toContain("\u0000");
  expect(html.match(/<img /g)).toHaveLength(1);
  expect(html.match(/is left out: it is no picture/g)).toHaveLength(3);
  expect(html).toContain("default-src 'none'");
  expect(html.replace(/data:image[^"]*/g, "")).not.toMatch(/(?:src|href)="?http/);
});

it("says of a run that ended early what did not come to run", () => {
  const html = feedbackPage(
    resultOf("bo", [task("a", 0, 1, { status: "timeout" }), task("b", 0, 1, { status: "notRun" })], {
      status: "failed",
    }),
  );
  expect(html).toContain("Your submission could not be graded to its end.");
  expect(html).toContain("The time was up before this was done.");
  expect(html).toContain("This did not run, because something before it ended the run.");
});

it("is a page for reading, whatever a submission left", () => {
  const findings = Array.from({ length: 2000 }, (_, i) => ({
    kind: "error" as const,
    cell: null,
    message: `${i} ${"x".repeat(5000)}`,
  }));
  const tall = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="100000"/>';
  const figures = [{ type: "image/svg+xml" as const, data: tall, alt: "y".repeat(1e5) }];
  const html = feedbackPage(resultOf("ada", [task("block", 2, 4, { figures })], { findings }));
  expect(html).toMatch(/figure img \{[^}]*max-height: 120rem;/);
  expect(html.length).toBeLessThan(100_000);
  expect(html).toContain("<li>and 1970 more</li>");
});
