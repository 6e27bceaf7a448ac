/** Where an image is in Artifact Registry. */
export interface Registry {
  /** What Docker asks: "europe-docker.pkg.dev". */
  readonly host: string;
  readonly location: string;
  readonly project: string;
  readonly repository: string;
}

/** Null: the image is somewhere else. Projects of a domain ("example.com:name") are not told apart, and so not known. */
export function registryOf(image: string): Registry | null {
  const [, host, location, project, repository] =
    /^(([a-z0-9-]+)-docker\.pkg\.dev)\/([a-z0-9-]+)\/([a-z0-9-]+)\/.+@/.exec(image) ?? [];
  if (host === undefined || location === undefined || project === undefined || repository === undefined) return null;
  return { host, location, project, repository };
}
