// What the test runs said, as the last lines of the log: `node .ci/summary.mjs RESULTS.json ...`. The tests that failed come
// by name, each with the beginning of its message, so that whoever sees only a log's end knows them; the counts of the first
// file come last, on one line that any log reader finds.
import { readFileSync } from "node:fs";

/** At most this many lines of a message are repeated here; the whole stands further up in the log. */
const kLines = 12;

const [first, ...others] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
for (const run of [first, ...others]) {
  for (const suite of run.testResults.filter(({ status }) => status === "failed")) {
    const failed = suite.assertionResults.filter(({ status }) => status === "failed");
    for (const test of failed) {
      console.log(`FAILED ${suite.name} > ${test.fullName}`);
      for (const line of test.failureMessages.join("\n").split("\n").slice(0, kLines)) {
        console.log(`    ${line}`);
      }
    }
    if (failed.length === 0) {
      console.log(`FAILED ${suite.name}: ${suite.message}`);
    }
  }
}
console.log(
  `${first.numPassedTests} passed, ${first.numFailedTests} failed, ${first.numPendingTests + first.numTodoTests} skipped`,
);
