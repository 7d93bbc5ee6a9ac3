/** The console's connection on each system; the kernel itself reads it. */
import { expect, it } from "vitest";
import { address, channels, parseConnection } from "../protocol/connection.ts";
import { localConnection } from "./local-connection.ts";

it("Unix sockets in the folder", async () => {
  const connection = parseConnection(await localConnection("/run/folder", "linux"), "file");
  expect(channels.map((channel) => address(connection, channel))).toEqual(
    [1, 2, 3, 4, 5].map((n) => `ipc:///run/folder/kernel-${n}`),
  );
});

it("on Windows five ports, all different, that no other machine reaches", async () => {
  const connection = parseConnection(await localConnection("C:\\folder", "win32"), "file");
  const addresses = channels.map((channel) => address(connection, channel));
  expect(new Set(addresses).size).toBe(5);
  expect(addresses.every((each) => /^tcp:\/\/127\.0\.0\.1:\d+$/.test(each))).toBe(true);
  expect(connection.key).not.toBe("");
});
