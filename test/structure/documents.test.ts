/** Documents of the repository: each package publishes the licence, and no link leads nowhere. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const packages = readdirSync(join(root, "lib")).filter((name) => existsSync(join(root, "lib", name, "index.ts")));

it("each package has the licence and publishes it", () => {
  expect(packages.sort()).toEqual(["classroom", "convbook", "engine", "kernel", "mpi", "runner"]);
  for (const name of packages) {
    const { files, license } = JSON.parse(read(`lib/${name}/package.json`));
    expect(license).toBe("MIT");
    expect(files, name).toContain("LICENSE");
    expect(read(`lib/${name}/LICENSE`)).toBe(read("LICENSE"));
  }
});

it.each(["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "CHANGELOG.md"])(
  "the links of %s lead somewhere",
  (path) => {
    const links = [...read(path).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target = ""]) => target);
    for (const target of links) {
      expect(existsSync(join(root, dirname(path), target)), target).toBe(true);
    }
  },
);

/** Folders that are no rooms: made ones, and what tests are fed with. */
const noRooms = new Set(["build", "dist", "fixtures", "node_modules", "testing"]);

/** The rooms of a folder with the rooms in them, as `data/` and `data/loader/`. */
function roomsOf(folder: string, depth = 2): string[] {
  const inner = readdirSync(join(root, folder), { withFileTypes: true }).filter(
    (entry) => entry.isDirectory() && !noRooms.has(entry.name) && !entry.name.startsWith("."),
  );
  return inner.flatMap(({ name }) => [
    name,
    ...(depth > 1 ? roomsOf(`${folder}/${name}`, depth - 1).map((room) => `${name}/${room}`) : []),
  ]);
}

it("ARCHITECTURE.md names every room two levels deep, and no other", () => {
  const [, map = ""] = /## The map\n([\s\S]*?)\n## /.exec(read("ARCHITECTURE.md")) ?? [];
  const named = new Map<string, string>();
  let folder = "";
  for (const [, title = "", row = ""] of map.matchAll(/^\| (.*?) \| (.*) \|$/gm)) {
    folder = /^\[`(lib\/\w+)`\]/.exec(title)?.[1] ?? folder;
    named.set(folder, `${named.get(folder) ?? ""} ${row}`);
  }
  named.delete("");
  expect([...named.keys()].sort()).toEqual(packages.map((name) => `lib/${name}`).sort());
  for (const [home, row] of named) {
    const names = [...row.matchAll(/`([\w/-]+)\/`/g)].map(([, name = ""]) => name);
    const rooms = roomsOf(home);
    const isNamed = (room: string) => names.includes(room) || names.includes(room.split("/").at(-1) ?? "");
    expect(rooms.filter((room) => !isNamed(room))).toEqual([]);
    expect(names.filter((name) => !rooms.some((room) => room === name || room.endsWith(`/${name}`)))).toEqual([]);
  }
});
