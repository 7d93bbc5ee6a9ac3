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
  expect(html).toContain('<td>block</td><td class="n">4</td><td class="n">2.0</td><td class="n">50 %</td>');
  expect(html).toContain("<strong>adds its input</strong>: The block&#39;s output has 96 of 1024");
  expect(html).toContain('<td class="n">4</td><td class="n">80 %</td>');
  expect(html).toContain(
    '<tr><td>Time</td><td class="n">30 s</td><td class="n">48 s</td><td class="n">50 s</td><td>s4</td></tr>',
  );
  expect(html).toContain(
    '<tr><td>Memory</td><td class="n">300 MB</td><td class="n">480 MB</td><td class="n">500 MB</td><td>s4</td></tr>',
  );
  expect(html).not.toContain("Alike");
});

it("tells questions of one name apart, and lines points up", () => {
  const results = [0, 1, 2, 3, 4, 5].map((i) =>
    resultOf(`s${i}`, [
      task("a", i > 2 ? 2 : 0.5, 2, { title: "Blocks", reasons: i > 2 ? [] : [failedCheck] }),
      task("b", i % 2, 1, { title: "Blocks", seconds: 0.01 }),
      task("c", i % 2 ? null : 1, 1, { kind: "manual" }),
    ]),
  );
  const html = reportPage(results);
  expect(html).toContain('<td>Blocks (1)</td><td class="n">2</td><td class="n">1.25</td>');
  expect(html).toContain('<td>Blocks (2)</td><td class="n">1</td><td class="n">0.50</td>');
  expect(html).toContain('<td>Blocks (1)</td><td class="n">3</td><td class="n">50 %</td>');
  expect(html).toContain('<td class="n">&lt; 0.1 s</td>');
  expect(html).toContain('<td>s3</td><td class="n">3.0 / 4</td>');
  expect(html).toContain('<td>s0</td><td class="n">1.5 / 4</td>');
  expect(html).toContain("What a person has not graded yet counts as 0 here.");
  expect(html.match(/<table class="keyed">/g)).toHaveLength(2);
  // Negative numbers have a minus sign.
  expect(html).not.toMatch(/<td class="n">-/);
});

it("has labels of the page's own size under its columns", () => {
  const html = reportPage([fullResult()]);
  expect(html.match(/<span>\d+<\/span><\/div>/g)).toHaveLength(10);
  expect(html).not.toContain("<svg");
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
