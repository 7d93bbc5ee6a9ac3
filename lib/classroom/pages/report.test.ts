import { expect, it } from "vitest";
import { failedCheck, fullResult, resultOf, task } from "../results/testing/results.ts";
import { reportPage } from "./report.ts";

const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`;

it("has the class in numbers", () => {
  const results = [0, 1, 2, 3, 4].map((i) =>
    resultOf(`s${i}`, [task("block", i, 4, { reasons: i < 4 ? [failedCheck] : [] }), task("count", i > 1 ? 1 : 0, 1)], {
      used: { seconds: 10 * (i + 1), memory: (i + 1) * 100 * 2 ** 20 },
    }),
  );
  const html = reportPage(results);
  expect(html).toContain("<dt>Mean</dt><dd>2.6 of 5</dd>");
  expect(html).toContain("<dt>Median</dt><dd>3</dd>");
  expect(html).toContain('aria-label="Submissions by their share of all points. 0–10 %: 1, 10–20 %: 0, 20–30 %: 1,');
  expect(html).toContain('<td>block</td><td class="n">4</td><td class="n">2</td><td class="n">50 %</td>');
  expect(html).toContain("<strong>adds its input</strong>: The block&#39;s output has 96 of 1024");
  expect(html).toContain('<td class="n">4</td><td class="n">80 %</td>');
  expect(html).toContain(
    '<tr><td>Time</td><td class="n">30 s</td><td class="n">48 s</td><td class="n">50 s</td><td class="n">s4</td></tr>',
  );
  expect(html).toContain(
    '<tr><td>Memory</td><td class="n">300 MB</td><td class="n">480 MB</td><td class="n">500 MB</td><td class="n">s4</td></tr>',
  );
  expect(html).not.toContain("Alike");
});

it("has a section for each assignment, and one of a class of one", () => {
  const html = reportPage([fullResult(), resultOf("bo", [task("a", 1, 1)], { assignment: "Dense blocks" })]);
  expect(html).toContain("<title>Report: Residual blocks, Dense blocks</title>");
  expect(html.match(/<h1>/g)).toHaveLength(2);
  expect(html).not.toContain("NaN");
});

it("runs nothing, whatever students are called and write", () => {
  const html = reportPage([
    resultOf(
      evil,
      [task(evil, 0, 1, { reasons: [{ ...failedCheck, name: evil, message: evil, got: evil, expected: evil }] })],
      {
        assignment: evil,
        findings: [{ kind: "forged", cell: null, message: evil }],
        answers: [],
      },
    ),
  ]);
  expect(html).not.toMatch(/<script|<img/);
  expect(html).toContain("default-src 'none'");
});
