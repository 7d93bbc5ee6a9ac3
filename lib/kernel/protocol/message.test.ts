import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { debianPython, pythonHas } from "../../../test/conformance/harness.ts";
import { decodeMessage, encodeMessage, MalformedMessageError, makeHeader, Signer } from "./message.ts";

const message = {
  identities: [Buffer.from("id")],
  header: makeHeader("execute_request", "session"),
  parent: {},
  metadata: {},
  content: { code: "'é😀'" },
  buffers: [Buffer.from([0, 255])],
};

it("reads what it writes", () => {
  const signer = new Signer("key");
  expect(decodeMessage(encodeMessage(message, signer), signer)).toEqual(message);
});

it("refuses every change of a signed part", () => {
  const signer = new Signer("key");
  for (const part of [3, 4, 5, 6]) {
    const frames = encodeMessage(message, signer);
    frames[part] = Buffer.from(`${frames[part]} `);
    expect(() => decodeMessage(frames, signer)).toThrow("wrong signature");
  }
  expect(() => decodeMessage(encodeMessage(message, new Signer("other")), signer)).toThrow(MalformedMessageError);
});

// A lone surrogate is no UTF-8: nbformat raised, and Jupyter answered a save with 500.
it("sends well-formed text only, in keys and values, at any depth, in each part", () => {
  const signer = new Signer("key");
  const half = "\ud83d";
  const lone = {
    header: { ...message.header, username: `${half}u` },
    parent: { ...message.header, session: `s${half}` } as never,
    metadata: { [half]: [half, { [`${half}\udc00\udc00`]: "😀" }] },
    content: { text: `\\ud83d ${half} \\\\${half}x \\\\\\ud83d 😀 \ude00`, n: 1 },
  };
  const sent = decodeMessage(encodeMessage({ ...message, ...lone }, signer), signer);
  expect(sent.header.username).toBe("\ufffdu");
  expect((sent.parent as { session: string }).session).toBe("s\ufffd");
  expect(sent.metadata).toEqual({ "\ufffd": ["\ufffd", { "\ud83d\udc00\ufffd": "😀" }] });
  expect(sent.content).toEqual({ text: "\\ud83d \ufffd \\\\\ufffdx \\\\\\ud83d 😀 \ufffd", n: 1 });
  expect(encodeMessage({ ...message, ...lone }, signer).every((frame) => !frame.includes('\\ud83d"'))).toBe(true);
});

it("takes each signed message once, as jupyter_client does", () => {
  const frames = encodeMessage(message, new Signer("key"));
  const signer = new Signer("key");
  expect(decodeMessage(frames, signer)).toEqual(message);
  expect(() => decodeMessage(frames, signer)).toThrow("a message with the same signature came before");
  // Also under other routing identities, which are not signed.
  expect(() => decodeMessage([Buffer.from("other"), ...frames.slice(1)], signer)).toThrow("it was sent a second time");
  const wrong = [...frames];
  wrong[6] = Buffer.from("{}");
  expect(() => decodeMessage(wrong, signer)).toThrow("wrong signature");
  const unsigned = new Signer("");
  const plain = encodeMessage(message, unsigned);
  expect(decodeMessage(plain, unsigned)).toEqual(decodeMessage(plain, unsigned));
});

it("forgets the oldest signatures first", () => {
  const signer = new Signer("key");
  const signature = (n: number) => Buffer.from(`signature ${n}`);
  for (let n = 0; n <= 1 << 16; n++) {
    expect(signer.isFirst(signature(n))).toBe(true);
  }
  expect([0, 6000, 7000, 1 << 16].map((n) => signer.isFirst(signature(n)))).toEqual([true, true, false, false]);
});

it("names what is wrong with frames that are no message", () => {
  const unsigned = new Signer("");
  const decode =
    (...frames: string[]) =>
    () =>
      decodeMessage(
        frames.map((frame) => Buffer.from(frame)),
        unsigned,
      );
  expect(decode("a", "b")).toThrow("no delimiter <IDS|MSG> in a message of 2 frames");
  expect(decode("<IDS|MSG>", "")).toThrow("expected a signature and four dictionaries");
  expect(decode("<IDS|MSG>", "", "{", "{}", "{}", "{}")).toThrow("the header is not JSON");
  expect(decode("<IDS|MSG>", "", "{}", "{}", "{}", "[]")).toThrow("the content is not a JSON object");
  expect(decode("<IDS|MSG>", "", "{}", "{}", "{}", "{}")).toThrow("the header has no msg_type or no msg_id");
});

it.runIf(pythonHas("jupyter_client"))("signs as jupyter_client does", () => {
  const frames = encodeMessage({ ...message, identities: [], buffers: [] }, new Signer("a key"));
  const script =
    "import sys, json\nfrom jupyter_client.session import Session\ns = Session(key=b'a key')\nframes = [bytes.fromhex(f) for f in json.load(sys.stdin)]\nprint(json.dumps(s.deserialize(frames[1:])['content']))";
  const input = JSON.stringify(frames.map((frame) => frame.toString("hex")));
  expect(JSON.parse(execFileSync(debianPython(), ["-c", script], { input, encoding: "utf8" }))).toEqual(
    message.content,
  );
});
