/** Both sides kept to older instructions: what a machine without AVX-512 or without AMX sees. */
import { engine } from "@convbook/engine";
import { networksOf, type Options, type Section } from "./options.ts";
import { againstBest, speed } from "./speed.ts";

export async function isa(options: Options): Promise<Section> {
  const rows: Section["rows"][number][] = [];
  for (const name of ["avx2", "avx512"]) {
    engine.setInstructionSet(name);
    const { isa: running } = engine.info();
    if (running !== name) {
      console.error(`Left out: ${name}, which this processor does not have`);
      continue;
    }
    const names = networksOf(options, ["ResNet", "PreActResNet", "GoogleNet", "DenseNet"]);
    const section = await speed({ ...options, isa: name, names, profile: false });
    rows.push(...section.rows.map((row) => ({ isa: name, ...row })));
  }
  engine.setInstructionSet(options.isa === "" ? undefined : options.isa);
  const note = `Images a second, batch ${options.batch}, both sides without newer instructions than these; ${againstBest}`;
  return { title: "Instruction sets", note, rows };
}
