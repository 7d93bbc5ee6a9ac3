/** The connection file: where a kernel listens and the key that signs its messages. */

import { getHashes } from "node:crypto";
import { readFileSync } from "node:fs";
import { codeOf, isObject, messageOf } from "../values.ts";

/** The five channels of a kernel, each a socket of its own. */
export type Channel = "shell" | "control" | "iopub" | "stdin" | "hb";

export const channels: readonly Channel[] = ["shell", "control", "iopub", "stdin", "hb"];

export interface Connection {
  readonly transport: "tcp" | "ipc";
  readonly ip: string;
  /** TCP ports, or the suffixes of the sockets' paths when the transport is ipc. */
  readonly ports: Readonly<Record<Channel, number>>;
  /** Key of the HMAC; empty where messages are not signed. */
  readonly key: string;
  /** A name that node:crypto knows, such as sha256. */
  readonly hash: string;
  /** The kernelspec by whose name the kernel was started; empty where nobody says. */
  readonly kernelName: string;
}

/** A connection file that cannot be used; the message names the file and what is wrong in it. */
export class ConnectionFileError extends Error {
  override readonly name = "ConnectionFileError";
  readonly file: string;

  constructor(file: string, problem: string, options?: ErrorOptions) {
    super(`Connection file ${file}: ${problem}`, options);
    this.file = file;
  }
}

/**
 * Reads a connection file as Jupyter writes it.
 *
 * @param file Path of the JSON file.
 * @returns Its contents, checked.
 * @throws ConnectionFileError when it is missing, not JSON, or a field is missing or of the wrong kind.
 */
export function readConnectionFile(file: string): Connection {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const code = codeOf(cause);
    throw new ConnectionFileError(file, code === "ENOENT" ? "no such file" : `cannot be read (${code})`, { cause });
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ConnectionFileError(file, `not JSON (${messageOf(cause)})`, { cause });
  }
  return parseConnection(json, file);
}

/** Checks the fields of a connection file; `file` is for messages only. */
export function parseConnection(json: unknown, file: string): Connection {
  if (!isObject(json) || Array.isArray(json)) {
    throw new ConnectionFileError(file, "expected a JSON object");
  }
  const fields = json;
  const text = (name: string, fallback?: string): string => {
    const value = fields[name] ?? fallback;
    if (typeof value !== "string") {
      throw new ConnectionFileError(
        file,
        `"${name}" must be a string, got ${JSON.stringify(fields[name]) ?? "nothing"}`,
      );
    }
    return value;
  };
  const transport = text("transport", "tcp");
  if (transport !== "tcp" && transport !== "ipc") {
    throw new ConnectionFileError(file, `"transport" must be "tcp" or "ipc", got ${JSON.stringify(transport)}`);
  }
  const port = (channel: Channel): number => {
    const value = fields[`${channel}_port`];
    const highest = transport === "tcp" ? 65535 : Number.MAX_SAFE_INTEGER;
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > highest) {
      throw new ConnectionFileError(
        file,
        `"${channel}_port" must be a whole number between 1 and ${highest}, got ${JSON.stringify(value) ?? "nothing"}`,
      );
    }
    return value;
  };
  const scheme = text("signature_scheme", "hmac-sha256");
  const hash = scheme.replace(/^hmac-/, "");
  if (!scheme.startsWith("hmac-") || !getHashes().includes(hash)) {
    throw new ConnectionFileError(
      file,
      `"signature_scheme" ${JSON.stringify(scheme)} is not known; expected "hmac-sha256"`,
    );
  }
  return {
    transport,
    ip: text("ip", "127.0.0.1"),
    ports: {
      shell: port("shell"),
      control: port("control"),
      iopub: port("iopub"),
      stdin: port("stdin"),
      hb: port("hb"),
    },
    key: text("key", ""),
    hash,
    kernelName: text("kernel_name", ""),
  };
}

/** The address that zeromq binds or connects for a channel. */
export function address(connection: Connection, channel: Channel): string {
  const { transport, ip, ports } = connection;
  return transport === "tcp" ? `tcp://${ip}:${ports[channel]}` : `ipc://${ip}-${ports[channel]}`;
}
