/** Where a file is looked for, one place after the other, and what is said when none of them gave it. */
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Context } from "./context.ts";
import { type DownloadAttempt, DownloadError, type DownloadReason } from "./error.ts";
import type { ManifestFile } from "./manifest.ts";
import { folderSource, httpSource, npmSource, type Source } from "./source.ts";

/** The mirror, below the manifest's name and at its top, then the file's own addresses. */
export function* sourcesOf(file: ManifestFile, target: string, context: Context): Generator<Source> {
  const { manifest, mirror, offline, timeoutMs } = context;
  const http = (url: string) => httpSource(url, timeoutMs);
  if (mirror !== null) {
    const { place } = mirror;
    for (const path of [`${manifest.name}/${file.path}`, file.path]) {
      if (place.kind === "folder") {
        yield folderSource(place.folder, path);
      } else if (!offline) {
        yield http(new URL(encodeURI(path), place.url).href);
      }
    }
  }
  if (offline) {
    return;
  }
  for (const url of file.urls) {
    yield url.startsWith("npm:") ? npmSource(url.slice("npm:".length), dirname(target), timeoutMs) : http(url);
  }
}

/** A mirror that is not there is a slip, for which the network must not be asked instead. */
export async function checkMirrorFolder(label: string, { mirror }: Context): Promise<void> {
  if (mirror?.place.kind !== "folder") {
    return;
  }
  const { folder } = mirror.place;
  if (
    await stat(folder).then(
      (found) => found.isDirectory(),
      () => false,
    )
  ) {
    return;
  }
  throw new DownloadError(
    label,
    "io",
    `Cannot look for ${label} in the mirror (CONVBOOK_MIRROR) ${mirror.text}: there is no folder ${folder}. Correct or unset it.`,
  );
}

/** From what says most about the file to what says least. */
const severity: readonly DownloadReason[] = ["hash", "size", "http", "timeout", "network", "io", "missing"];

/** The error of a file that no place gave. */
export function unavailable(
  label: string,
  file: ManifestFile,
  tried: readonly DownloadAttempt[],
  context: Context,
): DownloadError {
  const list = tried.map(({ address, message }) => `\n  ${address}: ${message}`).join("");
  const advice = `To use copies that you have, set CONVBOOK_MIRROR to their folder (there: ${file.path}).`;
  if (context.offline) {
    const where = context.mirror === null ? "" : ` nor in the mirror ${context.mirror.text}`;
    return new DownloadError(
      label,
      "offline",
      `${label} is not in the cache (${context.folder})${where}, and the network is not to be used.${list}\n${advice}`,
      { tried },
    );
  }
  const reason = severity.find((candidate) => tried.some((attempt) => attempt.reason === candidate)) ?? "missing";
  return new DownloadError(label, reason, `Cannot download ${label}.${list}\n${advice}`, { tried });
}
