/** npm's tarballs: what `npm pack` makes, of packages that are unpacked already. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/**
 * A package's files as npm takes them: a tar archive in gzip, below `package/`. The same files give the same bytes.
 *
 * @param folder The package's.
 * @param leaveOut Which files are left out, by their paths in it.
 */
export function tarballOf(folder: string, leaveOut: (path: string) => boolean = () => false): Uint8Array {
  const blocks: Buffer[] = [];
  for (const path of filesOf(folder, "").filter((each) => !leaveOut(each))) {
    const contents = readFileSync(join(folder, path));
    const isProgram = (statSync(join(folder, path)).mode & 0o111) !== 0;
    blocks.push(...entry(`package/${path}`, contents, isProgram ? 0o755 : 0o644));
  }
  blocks.push(Buffer.alloc(1024));
  return gzipSync(Buffer.concat(blocks), { level: 6 });
}

/** A file in ustar's form; a name that is too long for it gets a pax header before. */
function entry(name: string, contents: Buffer, mode: number): Buffer[] {
  const header = headerOf(name, contents.length, mode, "0");
  const body = [header, contents, Buffer.alloc((512 - (contents.length % 512)) % 512)];
  if (Buffer.byteLength(name) <= 100) {
    return body;
  }
  const record = paxRecord("path", name);
  return [
    headerOf("PaxHeader", record.length, 0o644, "x"),
    record,
    Buffer.alloc((512 - (record.length % 512)) % 512),
    ...body,
  ];
}

/** `<length> key=value\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): Buffer {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length) {
    length = String(length).length + Buffer.byteLength(rest);
  }
  return Buffer.from(`${length}${rest}`);
}

function headerOf(name: string, size: number, mode: number, type: string): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, digits: number) =>
    header.write(`${value.toString(8).padStart(digits, "0")}\0`, at, "ascii");
  header.write(Buffer.from(name).subarray(0, 100).toString("latin1"), 0, "latin1");
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(size, 124, 11);
  octal(Date.UTC(1985, 9, 26) / 1000, 136, 11);
  header.write("        ", 148, "ascii");
  header.write(type, 156, "ascii");
  header.write("ustar\x0000", 257, "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "ascii");
  return header;
}

function filesOf(folder: string, below: string): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true })
    .flatMap((each) => {
      const path = below === "" ? each.name : `${below}/${each.name}`;
      if (each.isDirectory()) {
        return each.name === "node_modules" ? [] : filesOf(folder, path);
      }
      return each.isFile() ? [path] : [];
    })
    .sort();
}
