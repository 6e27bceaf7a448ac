/** What package-lock.json says of one installed package, or of a workspace. */
export interface Locked {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** The folders of the lock file, by path from the repository: `node_modules/x`, `node_modules/x/node_modules/y`, `node`. */
export type LockedPackages = Readonly<Record<string, Locked>>;

/**
 * The folders of all packages that a workspace needs to run, in one order: its dependencies and theirs, each found as Node.js finds it,
 * in the nearest node_modules. Neither development nor optional ones: the optional ones are Node.js itself, which the image has.
 * Throws where the lock file lacks one.
 */
export function closureOf(packages: LockedPackages, workspace: string): readonly string[] {
  const found = new Set<string>();
  const visit = (from: string): void => {
    for (const name of Object.keys(packages[from]?.dependencies ?? {})) {
      const path = placesOf(from, name).find((place) => place in packages);
      if (path === undefined) throw new Error(`package-lock.json has no ${name}, which ${from} needs`);
      if (found.has(path)) continue;
      found.add(path);
      visit(path);
    }
  };
  visit(workspace);
  return [...found].sort();
}

/** From the nearest folder up to the root. */
function placesOf(from: string, name: string): readonly string[] {
  const parts = from.split('/node_modules/');
  const nested = parts.map(
    (_, index) => `${parts.slice(0, parts.length - index).join('/node_modules/')}/node_modules/${name}`,
  );
  return [...nested, `node_modules/${name}`];
}
