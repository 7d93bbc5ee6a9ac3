/** Node as the engine's host. */
import { availableParallelism } from "node:os";
import type { Host } from "../host.ts";
import { registerFileRouters } from "../io/file-system.ts";
import { machineMemory } from "../platform.ts";
import { useRenderer } from "../profile-figure.ts";
import { findRenderer } from "./figure-renderer.ts";
import { oneDnnFiles } from "./onednn-files.ts";

export const nodeHost: Host = {
  setting: (name) => process.env[name] ?? "",
  processors: availableParallelism,
  machineMemory,
  nodeVersion: process.versions.node,
  oneDnn: oneDnnFiles,
  prepare() {
    registerFileRouters();
    useRenderer(findRenderer);
  },
};
