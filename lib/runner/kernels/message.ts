/** Jupyter's wire format: a signed multipart message. Source: "Messaging in Jupyter", version 5.3. */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { parseJsonText } from "../notebook/json/index.ts";

export const protocolVersion = "5.3";
const delimiter = "<IDS|MSG>";

export type Json = Record<string, unknown>;

export interface MessageHeader {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

export interface Message {
  readonly header: MessageHeader;
  readonly parent_header: Partial<MessageHeader>;
  readonly metadata: Json;
  readonly content: Json;
  readonly buffers: readonly Buffer[];
}

/** Messages whose contents get into a notebook: their numbers and keys are to be there as the kernel wrote them. */
const displays = new Set(["display_data", "execute_result", "update_display_data"]);

/** A part of a message. Python's JSON has NaN and infinities, which JavaScript's has not. */
function parse(part: Buffer, keepSpelling = false) {
  const text = part.toString("utf8");
  if (!keepSpelling) {
    try {
      return JSON.parse(text);
    } catch {
      // What is no JSON for JavaScript may be JSON for Python.
    }
  }
  return parseJsonText(text) as Json;
}

/** Makes and reads messages of one session, signed with one key. */
export class MessageCodec {
  readonly session = randomUUID().replaceAll("-", "");
  readonly #key: string;
  #count = 0;

  /** @param key The connection file's key for HMAC-SHA256; empty where messages are not signed. */
  constructor(key: string) {
    this.#key = key;
  }

  /** Frames of a new request, and its id. */
  encode(
    type: string,
    content: Json,
    parent: Partial<MessageHeader> = {},
  ): { id: string; frames: (string | Buffer)[] } {
    const id = `${this.session}_${this.#count++}`;
    const header: MessageHeader = {
      msg_id: id,
      msg_type: type,
      session: this.session,
      username: "nbconvert-ts-runner",
      date: new Date().toISOString(),
      version: protocolVersion,
    };
    const parts = [header, parent, {}, content].map((part) => Buffer.from(JSON.stringify(part)));
    return { id, frames: [delimiter, this.#sign(parts), ...parts] };
  }

  /** A received message, or undefined for one that is malformed or wrongly signed. */
  decode(frames: readonly Buffer[]): Message | undefined {
    const start = frames.findIndex(
      (frame) => frame.length === delimiter.length && frame.toString("latin1") === delimiter,
    );
    const parts = frames.slice(start + 2, start + 6);
    const signature = frames[start + 1];
    if (start < 0 || parts.length < 4 || signature === undefined) {
      return undefined;
    }
    const expected = Buffer.from(this.#sign(parts));
    if (this.#key !== "" && (expected.length !== signature.length || !timingSafeEqual(expected, signature))) {
      return undefined;
    }
    try {
      const [header, parent_header, metadata] = parts.map((part) => parse(part));
      const content = parse(parts[3] as Buffer, displays.has(header.msg_type));
      return { header, parent_header, metadata, content, buffers: frames.slice(start + 6) };
    } catch {
      return undefined;
    }
  }

  #sign(parts: readonly Buffer[]): string {
    if (this.#key === "") {
      return "";
    }
    const hmac = createHmac("sha256", this.#key);
    for (const part of parts) {
      hmac.update(part);
    }
    return hmac.digest("hex");
  }
}
