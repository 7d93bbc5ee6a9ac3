/** Connection files: the addresses and the key of one kernel process. */
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

export type Channel = "shell" | "control" | "iopub" | "stdin" | "hb";

const channels: readonly Channel[] = ["shell", "iopub", "stdin", "control", "hb"];

export interface Connection {
  readonly transport: "tcp" | "ipc";
  readonly key: string;
  /** Absolute path of the connection file. */
  readonly file: string;
  /** The zeromq address of a channel. */
  address(channel: Channel): string;
  /** Deletes the connection file and the sockets' paths. */
  remove(): void;
}

/** A Unix socket's path is limited to 107 bytes; a longer temporary folder would not do. */
const longestSocketFolder = 80;

/**
 * Writes a connection file for a new kernel into a folder that only this user can read.
 *
 * @param kernelName The file's `kernel_name`: by what name the kernel is started.
 * @param transport "ipc" uses Unix sockets, so that no TCP port can be taken by another process in between.
 */
export async function createConnection(kernelName: string, transport: "tcp" | "ipc"): Promise<Connection> {
  const base = transport === "ipc" && tmpdir().length > longestSocketFolder ? "/tmp" : tmpdir();
  const folder = mkdtempSync(join(base, "nbrun-"));
  chmodSync(folder, 0o700);
  const key = randomUUID();
  const ip = transport === "ipc" ? join(folder, "k") : "127.0.0.1";
  const numbers = transport === "ipc" ? channels.map((_, index) => index + 1) : await freePorts(channels.length);
  const ports = Object.fromEntries(channels.map((channel, index) => [channel, numbers[index]])) as Record<
    Channel,
    number
  >;
  const file = join(folder, "connection.json");
  writeFileSync(
    file,
    JSON.stringify({
      transport,
      ip,
      key,
      signature_scheme: "hmac-sha256",
      kernel_name: kernelName,
      ...Object.fromEntries(channels.map((channel) => [`${channel}_port`, ports[channel]])),
    }),
    { mode: 0o600 },
  );
  return {
    transport,
    key,
    file,
    address: (channel) => (transport === "ipc" ? `ipc://${ip}-${ports[channel]}` : `tcp://${ip}:${ports[channel]}`),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Ports that are free now; all are held until the last is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
