/** A file that is being received: bytes go to disk and into the hash at once, and what an earlier try left is continued. */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { codeOf, messageOf } from "../files/index.ts";

/** The file system failed us, not the source of the bytes; trying another address is no use. */
export class LocalFileError extends Error {
  override readonly name = "LocalFileError";
  readonly code: string;

  constructor(cause: unknown) {
    super(messageOf(cause), { cause });
    this.code = codeOf(cause) ?? "UNKNOWN";
  }

  /** Whether there was no room: a full disk, a quota, the process's limit on file sizes. */
  get isSpace(): boolean {
    return ["ENOSPC", "EDQUOT", "EFBIG"].includes(this.code);
  }
}

async function local<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new LocalFileError(error);
  }
}

/** Open for appending; `received` bytes of it are there and hashed. */
export class PartialFile {
  readonly path: string;
  #file: FileHandle;
  #hash: Hash = createHash("sha256");
  #received = 0;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /**
   * Opens the file. Call {@link PartialFile.rehash} before anything else.
   *
   * @param mode `continue` makes it where it is missing, `check` only reads
   */
  static async open(path: string, mode: "continue" | "check"): Promise<PartialFile> {
    return new PartialFile(path, await local(() => open(path, mode === "continue" ? "a+" : "r")));
  }

  get received(): number {
    return this.#received;
  }

  /**
   * Hashes what is there, so that it can be continued. More than `limit` bytes cannot be a beginning of the file: they go.
   *
   * @param onProgress is told how many bytes have been hashed
   */
  async rehash(limit: number, onProgress: (bytes: number) => void, signal?: AbortSignal): Promise<void> {
    const { size } = await local(() => this.#file.stat());
    if (size > limit) {
      return this.restart();
    }
    this.#hash = createHash("sha256");
    this.#received = 0;
    const buffer = Buffer.allocUnsafe(Math.min(1 << 20, Math.max(1, size)));
    while (this.#received < size) {
      signal?.throwIfAborted();
      const { bytesRead } = await local(() => this.#file.read(buffer, 0, buffer.length, this.#received));
      if (bytesRead === 0) {
        break;
      }
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#received += bytesRead;
      onProgress(this.#received);
    }
  }

  /** Throws away what is there. */
  async restart(): Promise<void> {
    await local(() => this.#file.truncate(0));
    this.#hash = createHash("sha256");
    this.#received = 0;
  }

  async append(chunk: Uint8Array): Promise<void> {
    await local(async () => {
      for (let offset = 0; offset < chunk.length; ) {
        const { bytesWritten } = await this.#file.write(chunk, offset);
        offset += bytesWritten;
      }
    });
    this.#hash.update(chunk);
    this.#received += chunk.length;
  }

  /** SHA-256 of all that is there, in hexadecimal. */
  digest(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Makes the content durable. */
  async sync(): Promise<void> {
    await local(() => this.#file.sync());
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  /** Removes the file. */
  async remove(): Promise<void> {
    await local(() => rm(this.path, { force: true }));
  }
}
