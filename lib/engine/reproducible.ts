/**
 * Reproducible mode: what is computed, and in which order it is summed, follows from a call's arguments alone, so that the same
 * training gives the same weights on every machine. The native code sees to the order (`hands` in native/runtime/parallel.h,
 * `fixed` in native/runtime/context.h); here is what an instruction set makes of it.
 */

/**
 * What reproducible mode promises: nothing, because it is off; bit-equal results on all processors that multiply and add in one
 * instruction as these do; or results that differ from theirs by rounding alone.
 */
export type Reproducibility = "off" | "exact" | "bounded";

/** The instruction sets whose results are bit-equal. */
const exact: readonly string[] = ["avx2", "avx512"];

/** What is promised on an instruction set, as the engine names it. */
export function reproducibilityOn(isa: string, wanted: boolean): Reproducibility {
  if (!wanted) {
    return "off";
  }
  return exact.includes(isa) ? "exact" : "bounded";
}
