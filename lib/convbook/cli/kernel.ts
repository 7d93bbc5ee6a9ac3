/**
 * `convbook kernel …` and `convbook console`: the kernel of @convbook/kernel for Jupyter, and in a terminal.
 */
import { dirname } from "node:path";
import { Command, Option } from "commander";

interface Place {
  readonly user?: boolean;
  readonly prefix?: string;
  readonly sysPrefix?: boolean;
  readonly name?: string;
}

interface Naming extends Place {
  readonly displayName?: string;
}

/** The options that say where Jupyter looks; the user's own folder without any. */
function withPlace(command: Command): Command {
  return command
    .addOption(new Option("--user", "for this user (the default)").conflicts(["prefix", "sysPrefix"]))
    .addOption(new Option("--prefix <folder>", "below this folder, in share/jupyter/kernels").conflicts("sysPrefix"))
    .addOption(new Option("--sys-prefix", "in the Python or conda environment that is active"))
    .addOption(
      new Option("--name <name>", "the kernelspec's name: lower-case letters, digits, . _ -").default("convbook"),
    );
}

export const kernelCommand = new Command("kernel").description(
  "make the TypeScript kernel known to Jupyter and VS Code",
);

withPlace(
  kernelCommand.command("install").description("install the kernelspec; a second checkout takes a --name of its own"),
)
  .addOption(new Option("--display-name <text>", "what Jupyter calls the kernel"))
  .action(async (naming: Naming) => {
    const { installKernelSpec, listKernelSpecs } = await import("@convbook/kernel");
    const folder = await installKernelSpec(naming);
    const specs = await listKernelSpecs();
    const installed = specs.find((spec) => spec.folder === folder);
    console.log(`Installed the kernel "${installed?.displayName ?? naming.name}" in ${folder}.`);
    const other = specs.find((spec) => spec.name === naming.name);
    if (installed !== undefined) {
      console.log("Choose it in JupyterLab (jupyter lab), Notebook (jupyter notebook) or VS Code.");
    } else if (other !== undefined) {
      console.log(
        `Jupyter takes the one of the same name in ${other.folder} first: install this one under another --name.`,
      );
    } else {
      // FOLDER/share/jupyter/kernels/NAME
      console.log(`Jupyter finds it when the variable JUPYTER_PATH has ${dirname(dirname(folder))}.`);
    }
  });

kernelCommand
  .command("list")
  .description("list the kernels that Jupyter finds")
  .action(async () => {
    const { listKernelSpecs } = await import("@convbook/kernel");
    const specs = await listKernelSpecs();
    if (specs.length === 0) {
      console.log("None. Type: npx convbook kernel install");
    }
    for (const { name, displayName, folder } of specs) {
      console.log(`${name.padEnd(16)} ${displayName.padEnd(28)} ${folder}`);
    }
  });

withPlace(kernelCommand.command("uninstall").description("remove the kernelspec")).action(async (place: Place) => {
  const { uninstallKernelSpec } = await import("@convbook/kernel");
  const folders = await uninstallKernelSpec(place);
  console.log(`Removed ${folders.join(", ")}.`);
});

export const consoleCommand = new Command("console")
  .description("a terminal on the kernel: history, colours, completion")
  .action(async () => {
    const { runConsole } = await import("@convbook/kernel");
    await runConsole();
  });
