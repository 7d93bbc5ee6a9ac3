/**
 * SE-ResNet and SE-ResNeXt: ResNets whose blocks scale their channels by squeeze and excitation, with timm's names, so that its weights load.
 *
 * Hu et al., "Squeeze-and-Excitation Networks", 2018. Reference: timm's `seresnet50` and its like, an {@link ImageNetResNet} with `se` behind the last
 * normalisation of each block; squeezed to a sixteenth, and as there the last normalisation of each block starts at zero.
 */
import { UnknownNameError } from "../nn/index.ts";
import { type ImageNetPresetHparams, ImageNetResNet, imageNetPresets } from "./imagenet-resnet.ts";

/** What makes each named network out of {@link ImageNetResNet}. */
const presets = {
  seresnet18: imageNetPresets.resnet18,
  seresnet34: imageNetPresets.resnet34,
  seresnet50: imageNetPresets.resnet50,
  seresnet101: imageNetPresets.resnet101,
  seresnet152: imageNetPresets.resnet152,
  seresnext50_32x4d: imageNetPresets.resnext50_32x4d,
  seresnext101_32x8d: imageNetPresets.resnext101_32x8d,
} as const;

/** Name of a preset, as timm has it. */
export type SEResNetName = keyof typeof presets;

/**
 * One of timm's networks, with weights drawn from the default generator.
 *
 * @param name as timm has it, for example "seresnet50"
 * @param hparams what is to differ from it
 */
export function seResNet(name: SEResNetName, hparams: ImageNetPresetHparams = {}): ImageNetResNet {
  if (!Object.hasOwn(presets, name)) {
    throw new UnknownNameError("model", name, Object.keys(presets));
  }
  return new ImageNetResNet({ squeezeRatio: 1 / 16, zeroInitResidual: true, ...presets[name], ...hparams });
}
