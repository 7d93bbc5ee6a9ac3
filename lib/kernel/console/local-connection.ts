/** Where the console's kernel listens: nobody but its user reaches it. */
import { randomUUID } from "node:crypto";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { localTransport } from "../platform.ts";
import { channels } from "../protocol/connection.ts";

/**
 * The content of a connection file for a kernel on this machine.
 *
 * @param folder where Unix sockets go
 */
export async function localConnection(
  folder: string,
  system?: NodeJS.Platform,
): Promise<Record<string, string | number>> {
  const transport = localTransport(system);
  const ports = transport === "ipc" ? channels.map((_, index) => index + 1) : await freePorts(channels.length);
  return {
    transport,
    ip: transport === "ipc" ? join(folder, "kernel") : "127.0.0.1",
    key: randomUUID(),
    signature_scheme: "hmac-sha256",
    ...Object.fromEntries(channels.map((channel, index) => [`${channel}_port`, ports[index] ?? 0])),
  };
}

/** Ports that are free now; each is held until the last is known, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve, reject) => {
          server.once("error", reject);
          server.listen(0, "127.0.0.1", resolve);
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
