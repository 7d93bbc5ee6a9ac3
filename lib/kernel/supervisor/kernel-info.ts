/** What the kernel says of itself. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Json, protocolVersion } from "../protocol/message.ts";

/** package.json lies beside the sources, and one folder above dist. */
function ownVersion(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const manifest: { version?: string } = JSON.parse(readFileSync(new URL(place, import.meta.url), "utf8"));
      if (manifest.version !== undefined) {
        return manifest.version;
      }
    } catch {
      // The other place.
    }
  }
  return "0";
}

function typescriptVersion(): string {
  try {
    const { version }: { version: string } = createRequire(import.meta.url)("typescript/package.json");
    return version;
  } catch {
    return "7";
  }
}

export function kernelInfo(): Json {
  const version = ownVersion();
  const typescript = typescriptVersion();
  return {
    status: "ok",
    protocol_version: protocolVersion,
    implementation: "convbook",
    implementation_version: version,
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "text/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: { name: "javascript", typescript: true },
      nbconvert_exporter: "script",
    },
    banner: `Convbook ${version}: TypeScript ${typescript} on Node ${process.versions.node}`,
    debugger: true,
    supported_features: ["debugger"],
    help_links: [
      { text: "TypeScript", url: "https://www.typescriptlang.org/docs/" },
      { text: "Node.js", url: "https://nodejs.org/docs/latest-v20.x/api/" },
    ],
  };
}
