/** Archives and legacy files that contradict themselves: each is refused with the typed error. */
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  bytes,
  deflatedZip,
  floatStorage,
  int,
  legacyFile,
  one,
  refusal,
  system,
  tensor,
  text,
  tuple,
  u32,
  u64,
  zip,
  zipFile,
} from "../../../../test/hostile/torch-files.ts";
import { parseTorch } from "./load.ts";

describe("a zip archive that contradicts itself", () => {
  const data = bytes("\x80\x02}.");
  const good = zipFile(bytes("}"));
  const tensorBody = tensor(floatStorage("0", one), int(0), tuple(one), tuple(one));

  it("is read when all its checksums are left out, as torch can", () => {
    const none = { crc: 0 };
    const file = zip([
      ["a/data.pkl", data, none],
      ["a/version", bytes("3\n"), none],
    ]);
    expect(parseTorch(file)).toEqual(new Map());
  });

  it("is read when a program has deflated it", () => {
    expect(parseTorch(deflatedZip())).toEqual(new Map());
    const zeros = Buffer.alloc(80 << 20);
    const numbers = tensor(floatStorage("0", int(zeros.length / 4)), int(0), tuple(int(zeros.length / 4)), tuple(one));
    const large = zip([
      ["a/data.pkl", bytes("\x80\x02", numbers, ".")],
      ["a/data/0", deflateRawSync(zeros), { method: 8, size: zeros.length, crc: crc32(zeros) }],
    ]);
    expect(parseTorch(large, { maxCopiedBytes: zeros.length })).toMatchObject({ shape: [zeros.length / 4] });
  });

  it("is read when it does not", () => {
    expect(parseTorch(good)).toEqual(new Map());
    expect(parseTorch(zipFile(tensorBody, { 0: Buffer.alloc(4) }))).toMatchObject({ shape: [1] });
  });

  const cases: [string, Uint8Array, RegExp][] = [
    [
      "an entry twice",
      zip([
        ["a/data.pkl", data],
        ["a/data.pkl", data],
      ]),
      /entry "a\/data\.pkl" occurs twice/,
    ],
    [
      "an entry of another method",
      zip([["a/data.pkl", data, { method: 14 }]]),
      /"a\/data\.pkl" is compressed by method 14/,
    ],
    ["an entry that is not deflated", zip([["a/data.pkl", data, { method: 8 }]]), /is damaged$/],
    ["a deflated entry of fewer bytes", deflatedZip({ size: data.length + 1 }), /is damaged$/],
    ["a deflated entry of more bytes", deflatedZip({ size: data.length - 1 }), /is damaged$/],
    ["bytes behind a deflated entry", deflatedZip({ tail: 1 }), /is damaged$/],
    ["a deflated entry with a wrong checksum", deflatedZip({ crc: 1 }), /is damaged \(CRC-32\)/],
    [
      "a bomb",
      deflatedZip({ content: Buffer.alloc(80 << 20) }),
      /take 83886080 bytes inflated; at most \d+ are read from a file of its length \(the option maxCopiedBytes allows more\)/,
    ],
    ["an encrypted entry", zip([["a/data.pkl", data, { flags: 1 }]]), /encrypted/],
    [
      "another name in the local header",
      zip([["a/data.pkl", data, { localName: "a/else.pkl" }]]),
      /contradicts the archive's directory/,
    ],
    ["a wrong checksum", zip([["a/data.pkl", data, { crc: 1 }]]), /is damaged \(CRC-32\)/],
    [
      "a checksum left out where others are not",
      zip([
        ["a/data.pkl", data, { crc: 0 }],
        ["a/version", bytes("3\n")],
      ]),
      /"a\/data\.pkl" is damaged \(CRC-32\)/,
    ],
    [
      "bytes between entries",
      zip([
        ["a/data.pkl", data, { gap: 3 }],
        ["a/version", bytes("3\n")],
      ]),
      /begins at \d+, not at/,
    ],
    ["bytes before the directory", zip([["a/data.pkl", data, { gap: 3 }]]), /belong to nothing/],
    [
      "fewer entries than there are",
      zip(
        [
          ["a/data.pkl", data],
          ["a/version", bytes("3\n")],
        ],
        1,
      ),
      /more than its entries/,
    ],
    ["more entries than there are", zip([["a/data.pkl", data]], 2), /ends within the archive's directory/],
    ["a comment", bytes(good.subarray(0, -2), "\x01\0x"), /not at the end of the file/],
    ["no data.pkl", zip([["a/version", bytes("3\n")]]), /has no data\.pkl/],
    [
      "an entry in another folder",
      zip([
        ["a/data.pkl", data],
        ["b/version", bytes("3\n")],
      ]),
      /not in the archive's folder/,
    ],
    ["an entry outside of a folder", zip([["data.pkl", data]]), /not a checkpoint of torch/],
    [
      "a path upwards",
      zip([
        ["a/data.pkl", data],
        ["a/../../x", data],
      ]),
      /none that torch writes/,
    ],
    [
      "an unknown entry",
      zip([
        ["a/data.pkl", data],
        ["a/evil.py", data],
      ]),
      /none that torch writes/,
    ],
    [
      "TorchScript",
      zip([
        ["a/constants.pkl", data],
        ["a/data.pkl", data],
      ]),
      /TorchScript program/,
    ],
    [
      "TorchScript whose code is compressed",
      zip([
        ["a/data.pkl", data],
        ["a/code/__torch__.py", data, { method: 8 }],
      ]),
      /TorchScript program/,
    ],
    [
      "a big-endian file",
      zip([
        ["a/data.pkl", data],
        ["a/byteorder", bytes("big")],
      ]),
      /byte order is "big"/,
    ],
    ["bytes after the pickle", zip([["a/data.pkl", bytes(data, "N.")]]), /2 bytes follow the pickle/],
    ["a storage that is missing", zipFile(tensorBody), /storage "0" is not in the archive/],
    // CVE-2026-24747: the declared number of elements is not the record's.
    [
      "a storage that is too short",
      zipFile(tensorBody, { 0: Buffer.alloc(3) }),
      /has 3 bytes, but was declared with 1 elements/,
    ],
    ["a storage that is too long", zipFile(tensorBody, { 0: Buffer.alloc(8) }), /has 8 bytes, but was declared/],
    ["a storage that nobody uses", zipFile(bytes("}"), { 0: Buffer.alloc(4) }), /in the archive but never used/],
  ];
  it.each(cases)("%s is refused", (_name, file, message) => {
    expect(refusal(file).message).toMatch(message);
  });

  it("64-bit records that differ are refused", () => {
    const end = good.subarray(-22);
    const start = end.readUInt32LE(16);
    const record = (entries: bigint, at: number) =>
      bytes(
        bytes("PK\x06\x06", u64(44n), "\0\0\0\0", u32(0), u32(0), u64(entries), u64(entries)),
        bytes(u64(BigInt(end.readUInt32LE(12))), u64(BigInt(start))),
        bytes("PK\x06\x07", u32(0), u64(BigInt(at)), u32(1)),
      );
    const body = good.subarray(0, -22);
    expect(parseTorch(bytes(body, record(2n, body.length), end))).toEqual(new Map());
    expect(refusal(bytes(body, record(3n, body.length), end)).message).toMatch(/contradicts the other one/);
    expect(refusal(bytes(body, record(2n, 0), end)).message).toMatch(/points elsewhere/);
  });
});

it("a tensor of before PyTorch 0.4 is read, with as many arguments as it has", () => {
  const parts = [floatStorage("0", one), int(0), tuple(one), tuple(one)];
  const old = (...more: Uint8Array[]) => bytes("ctorch._utils\n_rebuild_tensor\n", tuple(...parts, ...more), "R");
  const storages = { 0: Buffer.from(Float32Array.of(5).buffer) };
  expect(parseTorch(zipFile(old(), storages))).toMatchObject({ shape: [1], data: Float32Array.of(5) });
  expect(refusal(zipFile(old(one), storages)).message).toMatch(/not made from storage, offset, size, stride/);
});

describe("a legacy file that contradicts itself", () => {
  const body = tensor(floatStorage("0", one), int(0), tuple(one), tuple(one));
  const keys = bytes("]", text("0"), "a");
  const storage = bytes(u64(1n), "\0\0\x80?");

  it("is read when it does not", () => {
    expect(parseTorch(legacyFile(body, keys, storage))).toMatchObject({ shape: [1], data: Float32Array.of(1) });
  });

  const cases: [string, Uint8Array, RegExp][] = [
    ["a key that is not listed", legacyFile(body), /storage "0" is not in the file/],
    ["a key listed twice", legacyFile(body, bytes("](", text("0"), text("0"), "e")), /listed twice/],
    ["a key that nobody uses", legacyFile(bytes("}"), keys, storage), /never used/],
    ["keys that are no list", legacyFile(body, bytes("}")), /not a list of strings/],
    ["keys that name something", legacyFile(body, bytes("ccollections\nOrderedDict\n)R")), /not a list of strings/],
    ["keys that call something", legacyFile(body, bytes("cos\nsystem\n", system, "R")), /"os\.system"/],
    [
      "another number of elements",
      legacyFile(body, keys, bytes(u64(2n), Buffer.alloc(8))),
      /has 2 elements, but was declared with 1/,
    ],
    ["2^62 elements", legacyFile(body, keys, bytes(u64(2n ** 62n))), /larger than any file/],
    ["bytes after the storages", legacyFile(body, keys, bytes(storage, "x")), /1 bytes follow the last storage/],
    ["a big-endian machine", replaced(legacyFile(body, keys, storage), "\x88s.", "\x89s."), /big-endian/],
    [
      "another version",
      replaced(legacyFile(body, keys, storage), "\x80\x02M\xe9\x03.", "\x80\x02M\xe8\x03."),
      /version "1000"/,
    ],
    ["another magic number", replaced(legacyFile(body, keys, storage), "\x6c\xfc", "\x6c\xfd"), /magic number/],
  ];
  function replaced(file: Buffer, from: string, to: string): Buffer {
    return Buffer.from(file.toString("latin1").replace(from, to), "latin1");
  }
  it.each(cases)("%s is refused", (_name, file, message) => {
    expect(refusal(file).message).toMatch(message);
  });

  it("the tar container, which torch 2.6 closed to its safe mode (CVE-2025-32434), is refused", () => {
    const tar = Buffer.alloc(2048);
    tar.write("storages", 0);
    tar.write("ustar", 257);
    bytes("\x80\x02cos\nsystem\n", system, "R.").copy(tar, 512);
    expect(refusal(tar)).toMatchObject({ reason: "unsupported", detail: expect.stringContaining("tar format") });
  });
});
