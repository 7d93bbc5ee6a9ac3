export {
  type FetchedPetsOptions,
  OxfordIIITPet,
  type OxfordIIITPetOptions,
  oxfordIIITPet,
  type PetSample,
  type PetTarget,
  type PetTargetChoice,
  type PetTargetOf,
  type PetTargets,
} from "./dataset.ts";
