/**
 * One process that trains what `convbook train` would, in the order in which several processes share the images. Arguments: the configurations.
 */
import { DataLoader, DistributedSampler, experiment, selectBackend } from "convbook";

await selectBackend({ announce: false });
for (const file of process.argv.slice(2)) {
  const config = await experiment.loadConfig(file);
  const data = await experiment.loadData(config, file);
  const module = experiment.makeModule(config, data.description);
  const { train } = data;
  if (!(train instanceof DataLoader)) {
    throw new Error(`${file}: the training images have no DataLoader.`);
  }
  const order = { numReplicas: 1, rank: 0, seed: config.seed };
  const shared = train.withSampler(new DistributedSampler(train.sampler.length, order));
  await experiment.makeTrainer(config).fit(module, shared as never, data.val as never);
}
