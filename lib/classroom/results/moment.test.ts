import { expect, test } from "vitest";
import { utc } from "./moment.ts";

// What nbgrader's parse_utc makes of them: https://github.com/jupyter/nbgrader/blob/main/nbgrader/utils.py
test.each([
  ["2027-03-31", "2027-03-31 00:00:00"],
  ["2027-03-31T18:00+02:00", "2027-03-31 16:00:00"],
  ["2027-03-31 18:00:05", "2027-03-31 18:00:05"],
  ["2015-02-02 15:58:23.948203 America/Los_Angeles", "2015-02-02 23:58:23.948203"],
  ["2015-07-02 15:58:23 America/Los_Angeles", "2015-07-02 22:58:23"],
  ["2015-02-02 15:58:23.5 -0830", "2015-02-03 00:28:23.500000"],
  ["2015-02-02 15:58:23.000000 UTC", "2015-02-02 15:58:23"],
  ["2027-03-31T18:00Z", "2027-03-31 18:00:00"],
  ["2015-02-02 15:58:23 Middle/Earth", undefined],
  ["soon", undefined],
  ["2015-13-45", undefined],
])("%s", (text, expected) => expect(utc(text)).toBe(expected));
