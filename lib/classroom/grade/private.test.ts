import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { privatePaths } from "./private.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "convbook-private-")));
afterAll(() => rmSync(root, { recursive: true }));

function file(name: string, mode: number): void {
  mkdirSync(dirname(join(root, name)), { recursive: true });
  writeFileSync(join(root, name), "x");
  chmodSync(join(root, name), mode);
}

it("names what others cannot read, and not what everybody can or the kernel needs", async () => {
  file("etc/passwd", 0o644);
  file("etc/shadow", 0o640);
  file("etc/ssh/keys/host_key", 0o600);
  file("etc/closed/a/b", 0o644);
  chmodSync(join(root, "etc/closed"), 0o700);
  symlinkSync(join(root, "etc/shadow"), join(root, "etc/link"));
  file("opt/service/token", 0o600);
  file("opt/course/node_modules/a.js", 0o600);
  file("opt/course/notes", 0o600);
  file("data/pictures", 0o644);
  file("vault/key", 0o644);
  chmodSync(join(root, "vault"), 0o700);
  file("var/log/auth.log", 0o600);
  file("var/lib/service/private/key", 0o600);
  file("srv/tmp", 0o600); // covered as a whole, too
  file("home/ada/diary", 0o600); // covered as a whole
  file("usr/bin/tool", 0o700);
  const server = createServer().listen(join(root, "opt/service/control"));
  await new Promise((done) => server.once("listening", done));
  const needed = [join(root, "opt/course")];
  expect(
    privatePaths(needed, [join(root, "srv")], root)
      .map((path) => path.slice(root.length + 1))
      .sort(),
  ).toEqual(
    ["etc/closed", "etc/shadow", "etc/ssh/keys/host_key", "opt/service/control", "opt/service/token"]
      .concat(["usr/bin/tool", "var/lib/service/private/key", "var/log", "vault"])
      .sort(),
  );
  expect(privatePaths([join(root, "vault/kernel")], [], root)).not.toContain(join(root, "vault"));
  server.close();
});
