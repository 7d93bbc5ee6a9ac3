/** `convbook class bundle`. */
import { Command } from "commander";

interface Options {
  readonly output: string;
  readonly variant?: string;
  readonly package: string[];
  readonly manifest: string[];
  readonly cache?: string;
}

const collect = (value: string, before: string[]): string[] => [...before, value];

export const bundleCommand = new Command("bundle")
  .description("pack the students' notebooks with all packages and data, for desks without a network")
  .argument("<made>", "the folder that make wrote")
  .option("-o, --output <file>", "the zip", "assignment.zip")
  .option("--variant <name>", "whose notebooks, where there are variants")
  .option("--package <name>", "a package that notebooks import, repeatable (default: convbook)", collect, [])
  .option("--manifest <file>", "a manifest of data or checkpoints, repeatable", collect, [])
  .option("--cache <folder>", "where downloads lie (default: CONVBOOK_CACHE)")
  .action(async (made: string, options: Options) => {
    const { bundleAssignment } = await import("../bundle/index.ts");
    const { notebooks, packages, size } = bundleAssignment(made, options.output, {
      variant: options.variant,
      packages: options.package.length === 0 ? undefined : options.package,
      manifests: options.manifest,
      cache: options.cache ?? process.env.CONVBOOK_CACHE,
    });
    const what = notebooks.length === 1 ? "1 notebook" : `${notebooks.length} notebooks`;
    console.log(`${options.output}: ${what} and ${packages} packages, ${(size / 2 ** 20).toFixed(1)} MiB`);
  });
