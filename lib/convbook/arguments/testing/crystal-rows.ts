/** Rows for the geometry of crystals. */
import { call } from "./nn-rows.ts";
import { arg, type Row, whole } from "./probe.ts";

const index = (name: string) => arg(name, 1, { accepts: ["-1"], bad: [1.5, "1"] });

export const crystalRows: readonly Row[] = [
  call("diffraction.bravaisLatticeOfSpaceGroup", { ...whole("group", 225), also: /space group/ }),
  call("diffraction.latticePoints", arg("centring", "F", { bad: [5] })),
  call("diffraction.isAllowed", arg("centring", "F", { bad: [5] }), index("h"), index("k"), index("l")),
  call("diffraction.lorentzPolarisation", arg("twoTheta", 30, { bad: [0, 180, "30"] })),
];
