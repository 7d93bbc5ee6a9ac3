/** The environment's settings: a word that nobody understands is said here, and passed over where it is meant for. */
import { nearestNames } from "../../nn/errors.ts";
import type { Finding } from "./finding.ts";

type Check = (text: string) => boolean;

const words =
  (...allowed: string[]): Check =>
  (text) =>
    allowed.includes(text);
const yesOrNo: Check = (text) => ["1", "0", "true", "false", "yes", "no", "on", "off"].includes(text.toLowerCase());
const number =
  (least: number, most = Number.POSITIVE_INFINITY): Check =>
  (text) =>
    text.trim() !== "" && Number(text) >= least && Number(text) <= most;
const anything: Check = () => true;

/** What each setting may be, in words, and how that is told. */
const settings: Readonly<Record<string, readonly [expected: string, check: Check]>> = {
  CONVBOOK_BACKEND: ["the name of a backend", anything],
  CONVBOOK_CACHE: ["a folder", anything],
  CONVBOOK_CIFAR100_SAMPLE: ["a folder", anything],
  CONVBOOK_DEBUG: ["1 or 0", yesOrNo],
  CONVBOOK_FULL: ["1 or 0", words("1", "0")],
  CONVBOOK_HEAP_MB: ["a number of mebibytes from 0", number(0)],
  CONVBOOK_HISTORY: ["a file", anything],
  CONVBOOK_INTERRUPT_GRACE: ["a number of milliseconds from 0", number(0)],
  CONVBOOK_ISA: ["one of amx, avx512, avx2, generic, wasm", words("amx", "avx512", "avx2", "generic", "wasm")],
  CONVBOOK_MAX_PIXELS: ["a number of pixels from 1", number(1)],
  CONVBOOK_MIRROR: ["a folder or an http(s) address", anything],
  CONVBOOK_OFFLINE: ["1 or 0", yesOrNo],
  CONVBOOK_ONEDNN: ["1 or 0", yesOrNo],
  CONVBOOK_ORPHAN_SECONDS: ["a number of seconds from 0", number(0)],
  CONVBOOK_POOL_MB: ["a number of megabytes from 0", number(0)],
  CONVBOOK_PRECISION: ["one of float32, bf16", words("float32", "bf16")],
  CONVBOOK_RELAXED_SIMD: ["1 or 0", words("1", "0")],
  CONVBOOK_REPRODUCIBLE: ["1 or 0", yesOrNo],
  CONVBOOK_THREADS: ["a whole number from 1 to 256", (text) => number(1, 256)(text) && Number.isInteger(Number(text))],
  CONVBOOK_TYPES_WAIT: ["a number of milliseconds from 0", number(0)],
  CONVBOOK_TYPESCRIPT: ["the folder of a TypeScript 7", anything],
};

/** Settings of tests and of the tests' oracles, which are no business of the doctor's. */
const ofTests = /^CONVBOOK_(?:KILLS|TRIXIE|WINE|PNGSUITE|SUITES|WHOLE_EPOCH|OUTPUT)/;

/** Every setting that cannot be what it should, and every name that is nearly one. */
export function checkSettings(env: NodeJS.ProcessEnv = process.env): Finding[] {
  const findings: Finding[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith("CONVBOOK_") || text === undefined || text === "" || ofTests.test(name)) {
      continue;
    }
    const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (setting === undefined) {
      const [near] = nearestNames(name, Object.keys(settings), 1);
      const found = `nothing reads ${name}`;
      findings.push({ topic: "setting", state: "optional", found, ...(near && { advice: `did you mean ${near}?` }) });
      continue;
    }
    const [expected, check] = setting;
    if (!check(text)) {
      const found = `${name} is ${JSON.stringify(text)}, expected ${expected}`;
      findings.push({ topic: "setting", state: "missing", found, advice: `correct or unset ${name}` });
    }
  }
  return findings;
}
