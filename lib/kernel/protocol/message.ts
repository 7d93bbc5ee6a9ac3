/** Jupyter messages on the wire: routing identities, a delimiter, a signature, four JSON dictionaries, binary buffers. */
import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";
import { isObject } from "../values.ts";

/** The version of the messaging protocol that this kernel speaks. */
export const protocolVersion = "5.4";

export type Json = Record<string, unknown>;

export interface Header {
  readonly msg_id: string;
  readonly msg_type: string;
  readonly session: string;
  readonly username: string;
  readonly date: string;
  readonly version: string;
}

export interface Message {
  readonly identities: readonly Buffer[];
  readonly header: Header;
  readonly parent: Header | Record<string, never>;
  readonly metadata: Json;
  readonly content: Json;
  readonly buffers: readonly Buffer[];
}

/** A message that does not follow the protocol, or whose signature is wrong. It is logged and dropped. */
export class MalformedMessageError extends Error {
  override readonly name = "MalformedMessageError";
}

const delimiter = Buffer.from("<IDS|MSG>");

/** How many signatures are remembered, and how many of the oldest go when there are more, as jupyter_client does. */
const remembered = 1 << 16;
const forgotten = remembered / 10;

/** Signs what is sent and checks what comes in, each message once; an empty key turns both off. */
export class Signer {
  readonly #key: string;
  readonly #hash: string;
  /** Signatures that came in, oldest first. */
  readonly #seen = new Set<string>();

  constructor(key: string, hash = "sha256") {
    this.#key = key;
    this.#hash = hash;
  }

  sign(parts: readonly Buffer[]): string {
    if (this.#key === "") {
      return "";
    }
    const hmac = createHmac(this.#hash, this.#key);
    for (const part of parts) {
      hmac.update(part);
    }
    return hmac.digest("hex");
  }

  verify(signature: Buffer, parts: readonly Buffer[]): boolean {
    if (this.#key === "") {
      return true;
    }
    const expected = Buffer.from(this.sign(parts));
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  }

  /** Remembers a signature that is right; false where a message with it came before, which somebody then sent again. */
  isFirst(signature: Buffer): boolean {
    if (this.#key === "") {
      return true;
    }
    const text = signature.toString("latin1");
    if (this.#seen.has(text)) {
      return false;
    }
    this.#seen.add(text);
    if (this.#seen.size > remembered) {
      const oldest = this.#seen.values();
      for (let n = 0; n < forgotten; n++) {
        this.#seen.delete(oldest.next().value as string);
      }
    }
    return true;
  }
}

export function makeHeader(type: string, session: string): Header {
  return {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: "kernel",
    date: new Date().toISOString(),
    version: protocolVersion,
  };
}

/** What JSON.stringify writes for half of a surrogate pair, and an escaped backslash, behind which the same letters are text. */
const loneSurrogates = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

/**
 * JSON whose strings, keys included, are well-formed: what stands for half of a character becomes U+FFFD. Jupyter's side
 * encodes notebooks and messages as UTF-8, where a lone surrogate is an error: the notebook could not be saved.
 */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.includes("\\ud") ? json.replace(loneSurrogates, (all) => (all === "\\\\" ? all : "\ufffd")) : json;
}

/** Parent headers as they were sent last: a cell's outputs all have the same. */
const encodedParents = new WeakMap<object, Buffer>();
const emptyPart = Buffer.from("{}");

function encodeParent(parent: object): Buffer {
  let encoded = encodedParents.get(parent);
  if (encoded === undefined) {
    encoded = Buffer.from(toJson(parent));
    encodedParents.set(parent, encoded);
  }
  return encoded;
}

/** The frames of a message, signed. */
export function encodeMessage(message: Message, signer: Signer): Buffer[] {
  const { header, parent, metadata, content } = message;
  const parts = [
    Buffer.from(toJson(header)),
    encodeParent(parent),
    Object.keys(metadata).length === 0 ? emptyPart : Buffer.from(toJson(metadata)),
    Buffer.from(toJson(content)),
  ];
  return [...message.identities, delimiter, Buffer.from(signer.sign(parts)), ...parts, ...message.buffers];
}

/**
 * Reads the frames of one message.
 *
 * @throws MalformedMessageError when the delimiter or a part is missing, the signature is wrong or came before, or a part
 *   is not a JSON object.
 */
export function decodeMessage(frames: readonly Buffer[], signer: Signer): Message {
  const start = frames.findIndex((frame) => frame.equals(delimiter));
  if (start < 0) {
    throw new MalformedMessageError(`no delimiter <IDS|MSG> in a message of ${frames.length} frames`);
  }
  const signature = frames[start + 1];
  const parts = frames.slice(start + 2, start + 6);
  if (signature === undefined || parts.length < 4) {
    throw new MalformedMessageError(
      `expected a signature and four dictionaries after the delimiter, got ${frames.length - start - 1} frames`,
    );
  }
  if (!signer.verify(signature, parts)) {
    throw new MalformedMessageError("wrong signature: the sender's key is not the one in the connection file");
  }
  if (!signer.isFirst(signature)) {
    throw new MalformedMessageError("a message with the same signature came before: it was sent a second time");
  }
  const [header, parent, metadata, content] = parts.map((part, i) => parsePart(part, partNames[i] ?? ""));
  if (!isHeader(header)) {
    throw new MalformedMessageError("the header has no msg_type or no msg_id");
  }
  return {
    identities: frames.slice(0, start),
    header,
    parent: isHeader(parent) ? parent : {},
    metadata: metadata ?? {},
    content: content ?? {},
    buffers: frames.slice(start + 6),
  };
}

const partNames = ["header", "parent header", "metadata", "content"];

function parsePart(part: Buffer, name: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(part.toString("utf8"));
  } catch {
    throw new MalformedMessageError(`the ${name} is not JSON`);
  }
  if (!isObject(value) || Array.isArray(value)) {
    throw new MalformedMessageError(`the ${name} is not a JSON object`);
  }
  return value;
}

/** Whether a part names a message; the rest of a header is as its sender says. */
function isHeader(part: Json | undefined): part is Json & Header {
  return typeof part?.msg_type === "string" && typeof part.msg_id === "string";
}
