/** Documents of the repository: each package publishes the licence, and no link leads nowhere. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const packages = readdirSync(join(root, "lib")).filter((name) => existsSync(join(root, "lib", name, "package.json")));

it("each package has the licence and publishes it", () => {
  expect(packages.sort()).toEqual(["convbook", "engine", "kernel", "runner"]);
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

it("the rooms that ARCHITECTURE.md names are there", () => {
  const [, map = ""] = /## The map\n([\s\S]*?)\n## /.exec(read("ARCHITECTURE.md")) ?? [];
  for (const [, folder = "", row = ""] of map.matchAll(/^\| \[`(lib\/\w+)`\].*? \| (.*) \|$/gm)) {
    for (const [, room = ""] of row.matchAll(/`([\w/]+)\/`/g)) {
      const places = [folder, `${folder}/native`, `${folder}/training`].map((place) => join(root, place, room));
      expect(places.some(existsSync), `${folder}/${room}`).toBe(true);
    }
  }
});
