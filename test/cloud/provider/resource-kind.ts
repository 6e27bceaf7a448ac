import type { Value, Values } from './values.ts';

/** What a resource provider does that no type shows, each with where it is documented. Paths are dotted, without places in lists. */
export type Rule = { readonly docs: string } & (
  | {
      /** A change here makes a new resource and deletes the old one. */
      readonly replaces: string;
    }
  | {
      /** A change here needs the machine to be stopped, and `allowStoppingForUpdate`. */
      readonly stops: string;
    }
  | {
      /** At most one of these may be given. */
      readonly excludes: readonly string[];
    }
  | {
      /** Exactly one of these must be given. */
      readonly oneOf: readonly string[];
    }
  | {
      /** What stands here must match. */
      readonly at: string;
      readonly matches: RegExp;
    }
  | {
      /** A list whose order means nothing. */
      readonly unordered: string;
    }
);

/** What a computed property may be made of. */
export interface Context {
  /** Of the provider's configuration. */
  readonly project: string;
  readonly inputs: Values;
  /** Counts on with every resource that is made: for what no two have alike. */
  readonly serial: number;
  readonly id: string;
}

/** One type of resource. */
export interface ResourceKind {
  /** Where the package declares it: "compute/instance". */
  readonly module: string;
  readonly docs: string;
  readonly rules: readonly Rule[];
  /** The property that gets a name of the provider's making when the program gives none, and is then what makes it unique. */
  readonly autonamed?: string;
  /** The API that the project must have enabled. */
  readonly api?: string;
  /** Ids of resources that must be there, and that cannot be deleted while this one is. */
  readonly uses?: (context: Context) => readonly string[];
  readonly id: (context: Omit<Context, 'id'>) => string;
  readonly computed: Readonly<Record<string, (context: Context) => Value>>;
  /** What would make the deletion fail, in the words of the one who refuses. */
  readonly keeps?: (inputs: Values) => string | null;
  /** Whether it is still there when the program no longer has it; whoever makes it again then finds it. */
  readonly stays?: (inputs: Values) => boolean;
}
