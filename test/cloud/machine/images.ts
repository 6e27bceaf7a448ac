import { readFileSync } from 'node:fs';

/** What an image brings along, as far as a container here needs it. */
export interface Image {
  readonly env: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  /** "1000:1000" */
  readonly user: string;
  readonly workdir: string;
  /** What is in it besides a Debian and Node.js: paths in the image, and where the same is on the instance. */
  readonly files: Readonly<Record<string, string>>;
}

/** By reference; written by the rehearsal (../rehearsal). Throws for an image that no registry would have. */
export function imageOf(reference: string): Image {
  const images = JSON.parse(readFileSync('/.host/images.json', 'utf8')) as Readonly<Record<string, Image>>;
  const image = images[reference];
  if (image === undefined) throw new Error(`Unable to find image '${reference}'`);
  return image;
}
