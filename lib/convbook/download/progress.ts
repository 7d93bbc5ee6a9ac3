/** Telling people how a download goes. */

/** Where a download stands; given to `onProgress` several times a second. */
export interface DownloadProgress {
  /**
   * `waiting`: another process downloads the same file; `verifying`: bytes that are there already are hashed;
   * `downloading`; `failed`: an address did not work and the next one is tried; `done`: the file is there.
   */
  readonly phase: "waiting" | "verifying" | "downloading" | "failed" | "done";
  /** The file's path in the manifest. */
  readonly file: string;
  /** Bytes of this file that are there, and its size. */
  readonly received: number;
  readonly size: number;
  /** The same over all files of this call. */
  readonly receivedOfAll: number;
  readonly sizeOfAll: number;
  /** Bytes a second over the last seconds; 0 while nothing is known. */
  readonly bytesPerSecond: number;
  /** Where the bytes come from; absent when the file was in the cache. */
  readonly address?: string;
  /** What to tell the user beyond the numbers: whom we wait for, why an address failed. */
  readonly message?: string;
}

const units = ["B", "kB", "MB", "GB", "TB"];

/** "138.2 MB" */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** One line of text for a state of the download. */
export function formatProgress(progress: DownloadProgress): string {
  const { phase, file, received, size, bytesPerSecond, message } = progress;
  if (phase === "waiting" || phase === "failed") {
    return `${file}: ${message ?? phase}`;
  }
  if (phase === "done") {
    return `${file}: ${formatBytes(size)}${progress.address === undefined ? " (in the cache)" : ""}`;
  }
  const percent = size === 0 ? 100 : Math.floor((100 * received) / size);
  const rate = bytesPerSecond > 0 ? `, ${formatBytes(bytesPerSecond)}/s` : "";
  const left = bytesPerSecond > 0 ? Math.ceil((size - received) / bytesPerSecond) : 0;
  const time = left > 1 ? `, ${left >= 60 ? `${Math.ceil(left / 60)} min` : `${left} s`} left` : "";
  const verb = phase === "verifying" ? "checking " : "";
  return `${verb}${file}: ${percent}% of ${formatBytes(size)}${rate}${time}`;
}

/** What {@link terminalProgress} needs of a stream. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * An `onProgress` for a terminal: one line, rewritten in place ten times a second; where the stream is no terminal, one
 * line for each file that was fetched and for each thing worth knowing. Files that were in the cache are not mentioned.
 *
 * @param stream by default the standard error stream, so that a program's output stays clean
 */
export function terminalProgress(stream: ProgressStream = process.stderr): (progress: DownloadProgress) => void {
  let shown = "";
  let lastTime = Number.NEGATIVE_INFINITY;
  let lastMessage = "";
  return (progress) => {
    const { phase, address, message } = progress;
    const whole =
      (phase === "done" && address !== undefined) ||
      ((phase === "waiting" || phase === "failed") && message !== lastMessage);
    if (message !== undefined) {
      lastMessage = message;
    }
    const clear = shown === "" ? "" : "\r\x1b[K";
    if (whole) {
      stream.write(`${clear}${formatProgress(progress)}\n`);
      shown = "";
      return;
    }
    if (phase === "done" && shown !== "") {
      stream.write(clear);
      shown = "";
    }
    if (stream.isTTY !== true || (phase !== "downloading" && phase !== "verifying")) {
      return;
    }
    const now = performance.now();
    if (now - lastTime < 100) {
      return;
    }
    lastTime = now;
    const columns = stream.columns ?? 80;
    shown = formatProgress(progress).slice(0, columns - 1);
    stream.write(`\r\x1b[K${shown}`);
  };
}
