import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { crc32c, maskedCrc32c } from "./crc32c.ts";
import { EventFileError } from "./errors.ts";
import { findRuns, readEvents, scalars } from "./reader.ts";
import { SummaryWriter } from "./writer.ts";

const folder = mkdtempSync(join(tmpdir(), "events-"));
afterAll(() => rmSync(folder, { recursive: true }));

const logs = fileURLToPath(new URL("../../../../shared/data/uva-tutorial5/tensorboards", import.meta.url));
const present = existsSync(logs);
if (!present) {
  console.log(
    "The tutorial's event files are not in ../shared/data/uva-tutorial5/tensorboards; their tests are left out. " +
      "They lie at https://github.com/phlippe/saved_models/tree/main/tutorial5/tensorboards",
  );
}

interface Digest {
  readonly [run: string]: {
    readonly events: number;
    readonly tags: { readonly [tag: string]: { count: number; last: [number, number, number]; sha256: string } };
  };
}

describe.runIf(present)("files written by PyTorch Lightning", () => {
  const digest = JSON.parse(readFileSync(new URL("fixtures/lightning-digest.json", import.meta.url), "utf8")) as Digest;

  it.each(Object.keys(digest))("%s has what Google's protobuf library finds in it", (run) => {
    const expected = digest[run] as Digest[string];
    const events = readEvents(join(logs, run));
    expect([...events]).toHaveLength(expected.events);
    expect(events.truncated).toBe(false);
    const found = scalars(join(logs, run));
    expect([...found.keys()]).toEqual(Object.keys(expected.tags));
    for (const [tag, points] of found) {
      const hash = createHash("sha256");
      const record = Buffer.alloc(20);
      for (const { step, wallTime, value } of points) {
        record.writeBigInt64LE(BigInt(step), 0);
        record.writeDoubleLE(wallTime, 8);
        record.writeFloatLE(value, 16);
        hash.update(record);
      }
      const { count, last, sha256 } = expected.tags[tag] as { count: number; last: number[]; sha256: string };
      const { step, wallTime, value } = points.at(-1) as { step: number; wallTime: number; value: number };
      expect({ count: points.length, last: [step, wallTime, value], sha256: hash.digest("hex") }).toEqual({
        count,
        last,
        sha256,
      });
    }
  });

  it("finds the four runs under their folder", () => {
    expect([...findRuns(logs).keys()]).toEqual(["DenseNet", "GoogleNet", "ResNet", "ResNetPreAct"]);
  });
});

describe("CRC-32C", () => {
  // The check values of RFC 3720, appendix B.4, and of the CRC catalogue.
  it.each([
    [Buffer.from("123456789"), 0xe3069283],
    [Buffer.alloc(32), 0x8a9136aa],
    [Buffer.alloc(32, 0xff), 0x62a8ab43],
    [Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
    [new Uint8Array(0), 0],
  ])("of %s", (bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });
});

describe("damaged files", () => {
  const good = (): string => {
    const dir = mkdtempSync(join(folder, "run-"));
    using writer = new SummaryWriter(dir);
    for (let step = 0; step < 5; step++) {
      writer.addScalar("loss", 1 / (step + 1), step, 1000 + step);
    }
    writer.flush();
    return writer.path;
  };

  it("every truncation gives whole events and says that it is one", () => {
    const path = good();
    const bytes = readFileSync(path);
    const ends = new Set([0]);
    for (let at = 0; at < bytes.length; ) {
      at += Number(bytes.readBigUInt64LE(at)) + 16;
      ends.add(at);
    }
    const whole = [...readEvents(path)];
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(path, bytes.subarray(0, length));
      const events = readEvents(path);
      const got = [...events];
      expect(got).toEqual(whole.slice(0, got.length));
      expect(got).toHaveLength([...ends].filter((end) => end <= length).length - 1);
      expect(events.truncated).toBe(!ends.has(length));
    }
  });

  it("every flipped byte is found and its place told", () => {
    const path = good();
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const bad = Buffer.from(bytes);
      bad[at] = (bad[at] as number) ^ 0x41;
      writeFileSync(path, bad);
      let error: unknown;
      try {
        for (const _event of readEvents(path)) {
        }
      } catch (caught) {
        error = caught;
      }
      expect(error).toBeInstanceOf(EventFileError);
      const { file, offset, reason } = error as EventFileError;
      expect(file).toBe(path);
      expect(offset).toBeLessThanOrEqual(at);
      expect(at - offset).toBeLessThan(120);
      expect(reason).toMatch(/^the checksum of the record's (length|data) is wrong/);
    }
  });

  const framed = (message: Uint8Array): Buffer => {
    const out = Buffer.alloc(message.length + 16);
    out.writeBigUInt64LE(BigInt(message.length));
    out.writeUInt32LE(maskedCrc32c(out.subarray(0, 8)), 8);
    out.set(message, 12);
    out.writeUInt32LE(maskedCrc32c(message), 12 + message.length);
    return out;
  };

  it.each([
    ["a field over the end", [0x2a, 0xff, 0x01], "a field of 255 bytes runs over the end"],
    ["a huge field", [0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], "runs over the end"],
    ["a varint without end", [0x10, ...Array(11).fill(0xff)], "a varint is longer than ten bytes"],
    ["a group", [0x0b], "wire type 3; expected 0, 1, 2 or 5"],
    ["field zero", [0x02, 0x00], "field number 0 is out of range"],
    ["a wrong type", [0x08, 0x01], "field 1 has wire type varint; expected fixed64"],
    [
      "odd packed doubles",
      [0x2a, 0x09, 0x0a, 0x07, 0x2a, 0x05, 0x32, 0x03, 1, 2, 3],
      "packs 3 bytes; expected a multiple of 8",
    ],
  ])("refuses %s under a right checksum", (_name, bytes, reason) => {
    const path = join(folder, "hostile.tfevents");
    writeFileSync(path, framed(Uint8Array.from(bytes)));
    expect(() => [...readEvents(path)]).toThrow(EventFileError);
    expect(() => [...readEvents(path)]).toThrow(reason);
  });

  it("refuses a record of an absurd length without taking memory for it", () => {
    const header = Buffer.alloc(12);
    header.writeBigUInt64LE(2n ** 40n);
    header.writeUInt32LE(maskedCrc32c(header.subarray(0, 8)), 8);
    const path = join(folder, "long.tfevents");
    writeFileSync(path, header);
    expect(() => [...readEvents(path)]).toThrow("a record of 1099511627776 bytes; at most 268435456 are read");
  });

  it("says that a file is none of its kind, is missing, or that a folder has none", () => {
    const path = join(folder, "text.txt");
    writeFileSync(path, "this is only some text of no meaning");
    expect(() => [...readEvents(path)]).toThrow("is wrong (is it an event file?)");
    expect(() => readEvents(join(folder, "none"))).toThrow(/none: at byte 0: there is no such file or folder$/);
    const empty = join(folder, "empty");
    mkdirSync(empty);
    expect(() => readEvents(empty)).toThrow("the folder has no event file (…tfevents…)");
    expect(() => findRuns(empty)).toThrow("and none under it");
  });

  it("orders runs by code points, as TensorBoard sorts them", () => {
    const runs = join(folder, "runs");
    for (const name of ["😀", "ﬁ", "b", "B"]) {
      mkdirSync(join(runs, name), { recursive: true });
      copyFileSync(good(), join(runs, name, "events.out.tfevents.1"));
    }
    expect([...findRuns(runs).keys()]).toEqual(["B", "b", "ﬁ", "😀"]);
  });

  it("does not follow links out of the folder", () => {
    const path = good();
    const linked = join(folder, "linked");
    mkdirSync(linked);
    symlinkSync(path, join(linked, "a.tfevents.1"));
    expect(() => scalars(linked)).toThrow("no event file");
  });
});
