import { strict as assert } from 'node:assert';
import type { Engine } from './engine.ts';

/** The first layer of ours that may hold anything. */
const firstOfOurs = 'WORKDIR /app';

/** Bytes of the layers that our Dockerfile adds to its base image. */
export async function ownLayersBytes(engine: Engine, image: string): Promise<number> {
  const format = '{{.Size}} {{.CreatedBy}}';
  // Newest first.
  const layers = (await engine.docker('history', '--human=false', '--no-trunc', '--format', format, image)).split('\n');
  const first = layers.findIndex((layer) => layer.includes(firstOfOurs));
  assert.notEqual(first, -1, `no layer of ${image} was made by ${firstOfOurs}`);
  return layers.slice(0, first + 1).reduce((sum, layer) => sum + Number(layer.split(' ', 1)[0]), 0);
}
